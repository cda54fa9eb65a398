// Questions to the service; every address is relative to the page, so that a proxy may serve it below any path.
import type { Alert, AlertPage, Item, ItemPage, Link, Start, Status } from "./wire.ts";

/** Items of one hazard, or alerts, that are asked for at once; older ones are asked for when wanted. */
export const PAGE = 100;

/** What a list of Items needs not carry. */
const WITHOUT = ["properties.renders", "properties.hazmon:parameters", "properties.processing:lineage", "properties.sci:citation"]
  .map((name) => `-${name}`)
  .join(",");

export interface Batch {
  items: Item[];
  /** Address of the Items before these; null where there are none. */
  earlier: string | null;
}

export class Unanswered extends Error {}

/** The service answered that it has no such thing. */
export class Missing extends Unanswered {}

/** Return an address of the service as this page reaches it, which may be by another name than the one in its links. */
export function address(path: string): string {
  const linked = /^https?:\/\/.*?\/((files|stac|features)\/.*)$/.exec(path);
  return new URL(linked?.[1] ?? path, document.baseURI).href;
}

export function get<Answer>(path: string): Promise<Answer> {
  return reach(path, "application/json", async (response) => (await response.json()) as Answer);
}

export function text(path: string, signal?: AbortSignal): Promise<string> {
  return reach(path, "*/*", (response) => response.text(), signal);
}

/** Whatever goes wrong on the way (no network, a proxy's page instead of JSON, half an answer) is one thing: no answer. */
async function reach<Body>(path: string, accept: string, body: (response: Response) => Promise<Body>, signal?: AbortSignal): Promise<Body> {
  try {
    const response = await fetch(address(path), { headers: { Accept: accept }, ...(signal ? { signal } : {}) });
    if (!response.ok) throw new (response.status === 404 ? Missing : Unanswered)(`${path}: found status ${response.status}`);
    return await body(response);
  } catch (error) {
    if (error instanceof Unanswered) throw error;
    throw new Unanswered(`no answer from ${path}`, { cause: error });
  }
}

export const start = () => get<Start>("page.json");
export const status = () => get<Status>("status");

/** Return a hazard's newest Items, and where those before them are. */
export function items(hazard: string): Promise<Batch> {
  return search(hazard);
}

/** Return Items of a day, "2024-01-22". */
export function ofDay(hazard: string, day: string): Promise<Batch> {
  return search(hazard, { datetime: `${day}T00:00:00Z/${day}T23:59:59Z` });
}

function search(hazard: string, conditions: Record<string, string> = {}): Promise<Batch> {
  const query = new URLSearchParams({ collections: hazard, limit: String(PAGE), sortby: "-datetime", fields: WITHOUT, ...conditions });
  return batch(`stac/search?${query}`);
}

export function item(hazard: string, id: string): Promise<Item> {
  return get<Item>(`stac/collections/${encodeURIComponent(hazard)}/items/${encodeURIComponent(id)}`);
}

export async function batch(path: string): Promise<Batch> {
  const { features, links } = await get<ItemPage>(path);
  return { items: features, earlier: next(links) };
}

/** Lineages named in one question: proxies refuse long addresses. */
const NAMED = 20;

/** Return all versions of some lineages. */
export async function versions(hazard: string, lineages: string[]): Promise<Item[]> {
  if (lineages.length > NAMED) {
    return [...(await versions(hazard, lineages.slice(0, NAMED))), ...(await versions(hazard, lineages.slice(NAMED)))];
  }
  let { items, earlier } = await search(hazard, { query: JSON.stringify({ "hazmon:lineage": { in: lineages } }) });
  while (earlier !== null) {
    const next = await batch(earlier);
    items = [...items, ...next.items];
    earlier = next.earlier;
  }
  return items;
}

export interface AlertBatch {
  alerts: Alert[];
  /** Address of the alerts before these; null where there are none. */
  earlier: string | null;
  /** How many there are in all. */
  count: number;
}

/** Return every alert that is active, however many there are. */
export async function activeAlerts(language: string): Promise<Alert[]> {
  const found: Alert[] = [];
  for (let path: string | null = alertsPath(language, true); path !== null; ) {
    const { alerts, earlier }: AlertBatch = await alertBatch(path);
    found.push(...alerts);
    path = earlier;
  }
  return found;
}

/** Return the newest alerts that are not active. */
export function pastAlerts(language: string): Promise<AlertBatch> {
  return alertBatch(alertsPath(language, false));
}

function alertsPath(language: string, active: boolean): string {
  return `features/collections/alerts/items?${new URLSearchParams({ active: String(active), limit: String(PAGE), lang: language })}`;
}

export async function alertBatch(path: string): Promise<AlertBatch> {
  const { features, links, numberMatched } = await get<AlertPage>(path);
  return { alerts: features, earlier: next(links), count: numberMatched ?? features.length };
}

function next(links: Link[] | undefined): string | null {
  return links?.find((link) => link.rel === "next")?.href ?? null;
}

export function alert(id: string, language: string): Promise<Alert> {
  return get<Alert>(`features/collections/alerts/items/${encodeURIComponent(id)}?${new URLSearchParams({ lang: language })}`);
}

export function tiles(item: Item, asset: string): string {
  const [hazard, id] = [encodeURIComponent(item.collection), encodeURIComponent(item.id)];
  return address(`raster/${hazard}/${id}/${asset}/tiles/WebMercatorQuad/`) + "{z}/{x}/{y}.png";
}

