import { describe, expect, it } from "vitest";
import { deepest, first, standing, steps, subjects, unsettled } from "./products.ts";
import { item } from "./standin.ts";
import type { StartHazard } from "./wire.ts";

const EVENTS = { id: "shaking", grid: "event" } as StartHazard;
const DAYS = { id: "fire_weather", grid: "region" } as StartHazard;

describe("versions of one subject", () => {
  it("stand in the order of the source's revisions, whatever order they come in", () => {
    const [one] = subjects([item("c", "e1", 3), item("a", "e1", 1), item("b", "e1", 2)]);
    expect(one?.versions.map((version) => version.id)).toEqual(["a", "b", "c"]);
  });

  it("of one revision stand in the order they were made", () => {
    const late = item("a_late", "e1", 3, { created: "2024-01-22T19:06:20Z" });
    expect(subjects([late, item("b_early", "e1", 3)])[0]?.newest.id).toBe("a_late");
  });

  it("are never current once they are deprecated, even where nothing else is in hand", () => {
    const old = item("old", "e1", 9, { deprecated: true });
    const [one] = subjects([old]);
    expect(one && standing(one, old)).toBe("superseded");
    expect(unsettled([old, item("new", "e2", 1)])).toEqual(["e1"]);
  });

  it("are superseded by the newest that is not deprecated", () => {
    const old = item("old", "e1", 1);
    const [one] = subjects([old, item("wrong", "e1", 2, { deprecated: true })]);
    expect(one?.newest.id).toBe("old");
    expect(one && standing(one, old)).toBe("current");
  });

  it("of a withdrawn event stay, and are told as withdrawn", () => {
    const gone = item("gone", "e2", 1, { deprecated: true, "hazmon:withdrawn": { at: "2024-01-22T19:42:00Z", reason: "deleted" } });
    const [one] = subjects([gone]);
    expect(one?.withdrawn).toBe(true);
    expect(one && standing(one, gone)).toBe("withdrawn");
  });
});

describe("the moments of a hazard", () => {
  it("are one for each event, in order of time", () => {
    const found = steps(EVENTS, [item("b", "event:2", 1, { datetime: "2024-01-22T19:17:33Z" }), item("a", "event:1", 1)]);
    expect(found.map((step) => step.key)).toEqual(["event:1", "event:2"]);
  });

  it("are one for each day, whatever the number of regions", () => {
    const day = { datetime: "2024-04-05T00:00:00Z" };
    const found = steps(DAYS, [item("a", "region:kazakhstan:1", 1, day), item("b", "region:kyrgyzstan:1", 1, day)]);
    expect(found).toHaveLength(1);
    expect(found[0]?.subjects).toHaveLength(2);
  });

  it("begin with the newest that has begun, not with a forecast of days to come", () => {
    const at = (day: string) => item(day, day, 1, { datetime: `${day}T00:00:00Z` });
    const found = steps(DAYS, [at("2024-04-05"), at("2024-04-06"), at("2024-04-07")]);
    expect(first(found, "2024-04-06")?.key).toBe("2024-04-06");
  });
});

describe("the deepest zoom of tiles", () => {
  it("is where a pixel is smaller than a cell", () => {
    const one = item("a", "e1", 1, { "proj:code": "EPSG:4326", "proj:transform": [1 / 120, 0, 0, 0, -1 / 120, 0] });
    expect(360 / 256 / 2 ** deepest(one)).toBeLessThan(1 / 120);
  });
});
