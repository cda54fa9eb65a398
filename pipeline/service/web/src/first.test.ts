import { describe, expect, it } from "vitest";
import { alert, begin, item } from "./standin.ts";
import type { Legend } from "./legend.ts";
import type { Item, Start, Status } from "./wire.ts";

begin();
const { initial } = await import("./state.ts");
const { firstHazard, firstView, isIdle } = await import("./first.ts");
const { ofDrawn } = await import("./select.ts");

const HAZARD = { id: "shaking", title: "Shaking", layer: "shaking", grid: "event", regions: [], after: null, assets: [] };
const STATE = { ...initial, hazard: "shaking", start: { hazards: [HAZARD], regions: [] } as unknown as Start };

function product(id: string, bbox: Item["bbox"], datetime: string): Item {
  return { ...item(id, id, 1, { datetime }), bbox };
}

describe("the layer that the page chooses", () => {
  const raster = (id: string) => ({ ...HAZARD, id, assets: [{ kind: "raster" }] });
  const start = { hazards: [raster("fire_weather"), raster("shaking")], regions: [] } as unknown as Start;
  const status = { layers: [{ hazard: "fire_weather", item: null }, { hazard: "shaking", item: "one" }] } as unknown as Status;

  it("is one that has products, as soon as that is known", () => {
    expect(firstHazard({ ...STATE, start })).toBe("fire_weather");
    expect(firstHazard({ ...STATE, start, status })).toBe("shaking");
  });

  it("is left while it has none, but not one that the reader chose", () => {
    const empty = { ...STATE, start, hazard: "fire_weather", items: { fire_weather: [] } };
    expect(isIdle({ ...empty, guessed: true })).toBe(true);
    expect(isIdle(empty)).toBe(false);
  });
});

describe("a legend", () => {
  it("is of no other layer than the one that is drawn: codes that look alike mean something else", () => {
    const raster = { ...item("e1", "e1", 1), assets: { mmi: { href: "", type: "image/tiff" } } };
    const state = { ...STATE, items: { shaking: [raster] } };
    const legend = (hazard: string) => ({ hazard, asset: "exclusion" }) as Legend;
    expect(ofDrawn(legend("shaking"), state)).not.toBeNull();
    expect(ofDrawn(legend("flood_extent"), state)).toBeNull();
  });
});

describe("the first view", () => {
  const items = { shaking: [product("new", [60, 40, 66, 46], "2024-01-23T00:00:00Z"), product("old", [80, 40, 86, 46], "2024-01-20T00:00:00Z")] };

  it("holds the one alert that is active, not those that are past", () => {
    const state = { ...STATE, items, alerts: [alert("one", true, "Severe", 50), alert("past", false, "Severe", 90)] };
    expect(firstView(state, {})).toEqual([50, 40, 52, 42]);
  });

  it("is never so near that nobody knows where it is", () => {
    const state = { ...STATE, items: { shaking: [product("new", [60, 40, 60.2, 40.2], "2024-01-23T00:00:00Z")] } };
    expect(firstView(state, {})?.map((degrees) => degrees.toFixed(1))).toEqual(["59.5", "39.5", "60.7", "40.7"]);
  });

  it("holds the newest product where no alert is active", () => {
    expect(firstView({ ...STATE, items, frozen: "2024-02-01T00:00:00Z" }, {})).toEqual([60, 40, 66, 46]);
  });

  it("holds the layer that the address asks for", () => {
    const state = { ...STATE, items, frozen: "2024-02-01T00:00:00Z", alerts: [alert("one", true, "Severe", 50)] };
    expect(firstView(state, { hazard: "shaking" })).toEqual([60, 40, 66, 46]);
  });

  it("is left to the regions where there is nothing", () => {
    expect(firstView(STATE, {})).toBeNull();
  });
});
