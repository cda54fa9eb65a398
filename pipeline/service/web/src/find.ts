// A moment or a product that an address or an alert names: looked for in what is in hand, else the service is asked.
import type { Step, Subject } from "./products.ts";
import { readBackTo } from "./reading.ts";
import { stepsOf } from "./select.ts";
import * as service from "./service.ts";
import { current } from "./state.ts";
import type { Item } from "./wire.ts";

/** A product, and where it stands among the others of its layer. */
export interface Found {
  step: Step;
  subject: Subject;
  item: Item;
}

/** Return a product of a layer; null where the service has none of that name. */
export async function findItem(hazard: string, id: string): Promise<Found | null> {
  const known = itemIn(hazard, id);
  if (known) return known;
  try {
    const item = await service.item(hazard, id);
    await readBackTo(hazard, item.properties["hazmon:lineage"]);
  } catch (error) {
    if (!(error instanceof service.Missing)) throw error;
  }
  return itemIn(hazard, id);
}

function itemIn(hazard: string, id: string): Found | null {
  for (const step of stepsOf(current(), hazard)) {
    for (const subject of step.subjects) {
      const item = subject.versions.find((one) => one.id === id);
      if (item) return { step, subject, item };
    }
  }
  return null;
}

/** Return a moment of a layer; null where nothing was published for it. */
export async function findStep(hazard: string, key: string): Promise<Step | null> {
  const known = stepIn(hazard, key);
  if (known) return known;
  const [one] = /^\d{4}-\d\d-\d\d$/.test(key) ? (await service.ofDay(hazard, key)).items : await service.versions(hazard, [key]);
  if (one) await readBackTo(hazard, one.properties["hazmon:lineage"]);
  return stepIn(hazard, key);
}

function stepIn(hazard: string, key: string): Step | null {
  return stepsOf(current(), hazard).find((step) => step.key === key) ?? null;
}
