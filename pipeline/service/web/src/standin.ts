// A stand-in for the service, for tests: answers from lists, in pages, as the real one does.
import { vi } from "vitest";
import type { Alert, Item, ItemProperties, Severity } from "./wire.ts";

export function item(id: string, lineage: string, revision: number, more: Partial<ItemProperties> = {}): Item {
  const properties = {
    datetime: "2024-01-22T18:09:04Z",
    created: "2024-01-22T18:20:00Z",
    updated: "2024-01-22T18:20:00Z",
    deprecated: false,
    "hazmon:lineage": lineage,
    "hazmon:revision": revision,
    "hazmon:received": "2024-01-22T18:15:00Z",
    "hazmon:answers": { estimate: "mmi", uncertainty: "mmi_std", exclusion: "exclusion", age: "hazmon:data_time" },
    ...more,
  } as ItemProperties;
  return { type: "Feature", id, collection: "shaking", bbox: [0, 0, 1, 1], geometry: null, properties, assets: {}, links: [] };
}

export function alert(id: string, active: boolean, severity: Severity = "Severe", west = 70): Alert {
  const ring = [[west, 40], [west + 2, 40], [west + 2, 42], [west, 42], [west, 40]];
  const properties = { identifier: id, active, severity, status: "Exercise", hazard: "shaking", language: "en", superseded_by: null, sent: id };
  return { type: "Feature", id, geometry: { type: "Polygon", coordinates: [ring] }, properties: properties as unknown as Alert["properties"] };
}

export class Service {
  items: Record<string, Item[]> = {};
  alerts: Alert[] = [];
  /** Most on a page. */
  page = 100;
  /** Paths that are not answered. */
  deaf = "";
  /** What an answer already made waits for on its way. */
  held: Promise<void> | null = null;

  answers = 0;

  /** Return an answer; null where there is none, undefined where there is no such thing. */
  answer(address: string): unknown {
    const url = new URL(address);
    this.answers++;
    if (this.deaf !== "" && url.href.includes(this.deaf)) return null;
    const given = url.searchParams;
    if (url.pathname === "/status") return { at: "2024-01-22T20:00:00Z", clock: "wall", exercise: null, feeds: [], layers: [], runs: [], quarantine: 0, waiting: 0 };
    const named = /^\/features\/.+\/items\/(.+)$/.exec(url.pathname)?.[1];
    if (named !== undefined) return this.alerts.find((one) => one.id === named);
    if (url.pathname.startsWith("/features")) return this.cut(url, this.alerts.filter((one) => String(one.properties.active) === given.get("active")));
    const [, hazard, id] = /^\/stac\/collections\/(.+)\/items\/(.+)$/.exec(url.pathname) ?? [];
    if (hazard !== undefined) return this.items[hazard]?.find((one) => one.id === id);
    const lineages = given.has("query") ? (JSON.parse(given.get("query")!)["hazmon:lineage"].in as string[]) : null;
    const all = this.items[given.get("collections") ?? ""] ?? [];
    return this.cut(url, all.filter((one) => lineages?.includes(one.properties["hazmon:lineage"]) ?? true));
  }

  private cut(url: URL, all: unknown[]) {
    const [at, size] = [Number(url.searchParams.get("token") ?? 0), Math.min(this.page, Number(url.searchParams.get("limit")))];
    url.searchParams.set("token", String(at + size));
    const links = at + size < all.length ? [{ rel: "next", href: url.href.replace("page.test", "named.otherwise.test") }] : [];
    return { features: all.slice(at, at + size), links, numberMatched: all.length };
  }
}

/** Put a service where the page looks for one. */
export function begin(): Service {
  const service = new Service();
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined }));
  vi.stubGlobal("document", { baseURI: "http://page.test/", addEventListener: () => undefined, visibilityState: "visible" });
  vi.stubGlobal("fetch", async (address: string) => {
    const found = service.answer(address);
    await service.held;
    if (found === undefined) return new Response("", { status: 404 });
    return found === null ? new Response("", { status: 502 }) : Response.json(structuredClone(found));
  });
  return service;
}
