// What is shown, told from the state: steps, the step, its Items, the asset, the time it is.
import type { Legend } from "./legend.ts";
import { assetNames, first, steps, type Step, type Subject } from "./products.ts";
import type { Asked, Point, State } from "./state.ts";
import type { Item, StartHazard } from "./wire.ts";

/** One product on the map. */
export interface Shown {
  subject: Subject;
  item: Item;
}

export function now(state: State): number {
  return state.frozen ? Date.parse(state.frozen) : Date.now() + state.offset;
}

export function hazardOf(state: State, id = state.hazard): StartHazard | undefined {
  return state.start?.hazards.find((hazard) => hazard.id === id);
}

const ordered = new WeakMap<Item[], Step[]>();

export function stepsOf(state: State, id = state.hazard): Step[] {
  const [hazard, items] = [hazardOf(state, id), id === null ? undefined : state.items[id]];
  if (!hazard || !items) return [];
  const known = ordered.get(items) ?? steps(hazard, items);
  ordered.set(items, known);
  return known;
}

export function stepOf(state: State): Step | undefined {
  const all = stepsOf(state);
  return all.find((step) => step.key === state.step) ?? first(all, new Date(now(state)).toISOString().slice(0, 10));
}

export function shown(state: State): Shown[] {
  return (stepOf(state)?.subjects ?? []).map((subject) => {
    const chosen = state.versions[subject.lineage];
    return { subject, item: subject.versions.find((item) => item.id === chosen) ?? subject.newest };
  });
}

/** Return the asset on the map, null where the hazard's products are tables. */
export function assetOf(state: State): string | null {
  const hazard = hazardOf(state);
  const item = shown(state)[0]?.item;
  if (!hazard || !item) return null;
  const names = assetNames(item);
  const estimate = item.properties["hazmon:answers"].estimate;
  const wanted = state.assets[hazard.id] ?? estimate;
  return names.includes(wanted) ? wanted : names.includes(estimate) ? estimate : (names[0] ?? null);
}

/** A raster on the map: of the chosen hazard, or, where its products are tables, of the hazard they were made from. */
export interface Drawn {
  hazard: StartHazard;
  asset: string;
  shown: Shown[];
  isBackground: boolean;
}

export function drawn(state: State): Drawn | null {
  const hazard = hazardOf(state);
  if (!hazard) return null;
  const asset = assetOf(state);
  if (asset !== null) return { hazard, asset, shown: shown(state), isBackground: false };
  const origin = hazardOf(state, hazard.after);
  const step = origin && stepsOf(state, origin.id).find((one) => one.key === stepOf(state)?.key);
  const revision = shown(state)[0]?.item.properties["hazmon:revision"];
  const behind = (step?.subjects ?? []).map((subject) => ({
    subject,
    item: subject.versions.filter((item) => item.properties["hazmon:revision"] === revision).at(-1) ?? subject.newest,
  }));
  const estimate = behind[0]?.item.properties["hazmon:answers"].estimate;
  return origin && estimate !== undefined ? { hazard: origin, asset: estimate, shown: behind, isBackground: true } : null;
}

/** Return a legend where it is of what is drawn: the colours of another layer mean something else. */
export function ofDrawn(legend: Legend | null, state: State): Legend | null {
  return legend !== null && legend.hazard === drawn(state)?.hazard.id ? legend : null;
}

/** Return the places of the table on the map that were asked about. */
export function pointsAt({ points }: State, { longitude, latitude }: Asked): Point[] {
  // An address has five decimals, that is 1 m.
  return points.filter((one) => Math.abs(one.longitude - longitude) < 1e-5 && Math.abs(one.latitude - latitude) < 1e-5);
}

export function activeAlerts(state: State) {
  return state.alerts.filter((alert) => alert.properties.active);
}

export function shownAlerts(state: State) {
  return state.past ? state.alerts : activeAlerts(state);
}
