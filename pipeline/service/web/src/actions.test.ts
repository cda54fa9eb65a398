import { beforeEach, describe, expect, it, vi } from "vitest";
import { alert, begin, item, type Service } from "./standin.ts";
import type { Alert, Start } from "./wire.ts";

let service: Service;

async function page() {
  vi.resetModules();
  const state = await import("./state.ts");
  const hazards = [{ id: "shaking", title: "Shaking", layer: "shaking", grid: "event", regions: [], after: null, assets: [] }];
  state.change({ start: { hazards, regions: [] } as unknown as Start, hazard: "shaking" });
  return { ...state, ...(await import("./actions.ts")), ...(await import("./select.ts")) };
}

function made(hazard: string, product: string): Alert {
  const one = alert("a1", true);
  return { ...one, properties: { ...one.properties, hazard, product } };
}

beforeEach(() => {
  service = begin();
  service.items.shaking = Array.from({ length: 150 }, (_, at) => item(`e${at}`, `event:${at}`, 1, { datetime: new Date(Date.UTC(2024, 0, 22) - at * 3600_000).toISOString() }));
});

describe("the product that an alert was made from", () => {
  it("is shown, even beyond what was read", async () => {
    const { goToProduct, current, shown } = await page();
    await goToProduct(made("shaking", "e120"));
    expect(shown(current())[0]?.item.id).toBe("e120");
    expect(current().note).toBeNull();
  });

  it.each([["shaking", "gone"], ["eq2024", "eq2024-r1"]])("is said not to be found in %s, and what is looked at stays", async (hazard, product) => {
    const { goToProduct, chooseHazard, current } = await page();
    await chooseHazard("shaking");
    await goToProduct(made(hazard, product));
    expect(current().note).toContain(product);
    expect([current().hazard, current().step]).toEqual(["shaking", null]);
  });

  it("is not said to be missing where the service did not answer", async () => {
    const { goToProduct, chooseHazard, current } = await page();
    await chooseHazard("shaking");
    service.deaf = "/items/gone";
    await goToProduct(made("shaking", "gone"));
    expect(current().note).toBe("The service did not answer.");
  });
});

describe("an alert", () => {
  it("that is not there is said not to be, and leaves a phone's panel as it was", async () => {
    const { chooseAlert, current, change } = await page();
    change({ sheet: "low" });
    await chooseAlert("nope");
    expect([current().alertUnread, current().sheet]).toEqual(["alert.missing", "full"]);
    await chooseAlert(null);
    expect(current().sheet).toBe("low");
  });
});
