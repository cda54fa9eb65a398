import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { alert, begin, item, type Service } from "./standin.ts";
import type { News, Start } from "./wire.ts";

let service: Service;

/** The page's modules, with nothing read. */
async function page() {
  vi.resetModules();
  const state = await import("./state.ts");
  const hazards = ["shaking", "landslide"].map((id) => ({ id, title: id, layer: id, grid: "event", regions: [], after: null, assets: [] }));
  state.change({ start: { hazards, regions: [], refresh_seconds: 3600 } as unknown as Start });
  return { ...state, ...(await import("./reading.ts")), ...(await import("./select.ts")), ...(await import("./products.ts")) };
}

const WITHDRAWN = { deprecated: true, "hazmon:withdrawn": { at: "2024-01-22T19:42:00Z", reason: "deleted" } };

/** Events from the newest to the oldest. */
function events(count: number) {
  return Array.from({ length: count }, (_, at) => item(`e${at}`, `event:${at}`, 1, { datetime: new Date(Date.UTC(2024, 0, 22) - at * 3600_000).toISOString() }));
}

beforeEach(() => {
  service = begin();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("Items read again", () => {
  it("are read as far back as before, so that what was withdrawn there is not shown as current", async () => {
    const { readItems, readEarlier, current, stepsOf } = await page();
    service.items.shaking = events(150);
    await readItems("shaking");
    await readEarlier("shaking");
    service.items.shaking[120] = item("e120", "event:120", 1, { ...service.items.shaking[120]!.properties, ...WITHDRAWN });
    await readItems("shaking");
    const step = stepsOf(current(), "shaking").find((one) => one.key === "event:120");
    expect(step?.subjects[0]?.withdrawn).toBe(true);
    expect(current().earlier.shaking).toBeNull();
  });

  it("still hold what is looked at, whatever number of others came", async () => {
    const { readItems, current, change, stepOf } = await page();
    service.items.shaking = events(90);
    await readItems("shaking");
    change({ hazard: "shaking", step: "event:80" });
    const later = Array.from({ length: 130 }, (_, at) => item(`n${at}`, `event:n${at}`, 1, { datetime: "2024-01-23T00:00:00Z" }));
    service.items.shaking = [...later, ...service.items.shaking];
    await readItems("shaking");
    expect(stepOf(current())?.key).toBe("event:80");
  });

  it("are read back to an event that an address names, and no further for one that is not there", async () => {
    const { readItems, current, stepsOf } = await page();
    const { findStep } = await import("./find.ts");
    service.items.shaking = events(450);
    await readItems("shaking");
    expect(await findStep("shaking", "event:none")).toBeNull();
    expect(stepsOf(current(), "shaking").length).toBe(100);
    expect((await findStep("shaking", "event:240"))?.key).toBe("event:240");
    expect(stepsOf(current(), "shaking").map((step) => step.key)).toEqual(Array.from({ length: 300 }, (_, at) => `event:${299 - at}`));
    await readItems("shaking");
    expect(stepsOf(current(), "shaking").length).toBe(300);
  });

  it("hold the version that stands where a page ends between those of one event", async () => {
    const { readItems, current, stepsOf, standing } = await page();
    // Ties go by the text of the id: r9 comes before r10.
    const old = Array.from({ length: 9 }, (_, at) => item(`x_r${9 - at}`, "event:x", 9 - at, { deprecated: true }));
    service.items.shaking = [...old, item("x_r10", "event:x", 10)];
    service.page = 9;
    await readItems("shaking");
    const [subject] = stepsOf(current(), "shaking")[0]!.subjects;
    expect(subject!.newest.id).toBe("x_r10");
    expect(subject!.versions.map((one) => standing(subject!, one))).toEqual([...Array(9).fill("superseded"), "current"]);
  });

  it("are not overtaken by an older answer that was long on its way", async () => {
    const { readItems, current } = await page();
    let arrives = () => {};
    service.held = new Promise((done) => (arrives = done));
    service.items.shaking = [item("a", "event:a", 1)];
    const first = readItems("shaking");
    await vi.waitFor(() => expect(service.answers).toBe(1));
    service.held = null;
    service.items.shaking = [item("a", "event:a", 1, { deprecated: true }), item("b", "event:a", 2)];
    const second = readItems("shaking");
    arrives();
    await Promise.all([first, second]);
    expect(current().items.shaking).toHaveLength(2);
  });
});

describe("news of an Item", () => {
  const told = (what: News["what"]): News => ({ number: 1, kind: "item", what, id: "a", hazard: "shaking", at: "2024-01-22T19:42:00Z" });

  it.each([["superseded", "superseded"], ["withdrawn", "withdrawn"]] as const)("that it is %s is shown before it is read again", async (what, how) => {
    const { readItems, stands, current, stepsOf, standing } = await page();
    service.items.shaking = [item("a", "event:a", 1)];
    await readItems("shaking");
    stands(told(what));
    const [subject] = stepsOf(current(), "shaking")[0]!.subjects;
    expect(standing(subject!, subject!.newest)).toBe(how);
  });
});

describe("after a gap", () => {
  class Stream {
    static readonly OPEN = 1;
    static readonly CLOSED = 2;
    static last: Stream;
    readyState = 1;
    heard: Record<string, () => void> = {};
    constructor() {
      Stream.last = this;
    }
    addEventListener(name: string, hear: () => void): void {
      this.heard[name] = hear;
    }
    close(): void {}
  }

  it("every hazard in hand is read again, not only the chosen one", async () => {
    vi.stubGlobal("EventSource", Stream);
    const { readItems, current, change } = await page();
    const live = await import("./live.ts");
    service.items = { shaking: [item("a", "event:a", 1)], landslide: [item("l", "event:a", 1)] };
    await Promise.all([readItems("shaking"), readItems("landslide")]);
    change({ hazard: "landslide" });
    live.begin();
    service.items.shaking = [item("a", "event:a", 1, WITHDRAWN)];
    Stream.last.heard.open?.();
    await vi.waitFor(() => expect(current().items.shaking?.[0]?.properties.deprecated).toBe(true));
  });

  it("what could not be read is read at the next look", async () => {
    vi.stubGlobal("EventSource", Stream);
    vi.useFakeTimers();
    const { readItems, current } = await page();
    const live = await import("./live.ts");
    service.items = { shaking: [item("a", "event:a", 1)] };
    await readItems("shaking");
    service.items.shaking = [item("a", "event:a", 1, WITHDRAWN)];
    service.deaf = "stac/search";
    live.begin();
    Stream.last.heard.open?.();
    await vi.waitFor(() => expect(current().unread.shaking).toBeDefined());
    service.deaf = "";
    await vi.advanceTimersByTimeAsync(3600_000);
    expect(current().items.shaking?.[0]?.properties.deprecated).toBe(true);
  });
});

describe("alerts", () => {
  it("that are active are read to the end, however many past ones are newer", async () => {
    const { readAlerts, current, activeAlerts } = await page();
    const past = Array.from({ length: 250 }, (_, at) => alert(`past ${at}`, false));
    service.alerts = [...past, ...Array.from({ length: 230 }, (_, at) => alert(`active ${at}`, true))];
    await readAlerts();
    expect(activeAlerts(current())).toHaveLength(230);
    expect(current().alerts).toHaveLength(330);
    expect(current().pastCount).toBe(250);
  });

  it("that are past are read a page at a time, and again as far back", async () => {
    const { readAlerts, readEarlierAlerts, current } = await page();
    service.alerts = Array.from({ length: 250 }, (_, at) => alert(`past ${at}`, false));
    await readAlerts();
    await readEarlierAlerts();
    await readAlerts();
    expect(current().alerts).toHaveLength(200);
    await readEarlierAlerts();
    expect(current().alerts).toHaveLength(250);
    expect(current().earlierAlerts).toBeNull();
  });
});
