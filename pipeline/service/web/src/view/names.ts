// What things are called: assets and classes, in the reader's language where it has a word for them.
import type { Entry } from "../legend.ts";
import type { State } from "../state.ts";
import type { StartHazard } from "../wire.ts";
import { call } from "../words.ts";

export function assetTitle(state: State, hazard: StartHazard, asset: string): string {
  const declared = hazard.assets.find((one) => one.name === asset)?.title ?? asset;
  const title = call(state.language, `asset.${hazard.layer}.${asset}`, declared);
  return title.charAt(0).toLocaleUpperCase(state.language) + title.slice(1);
}

export function className(state: State, entry: Entry): string {
  return called(state, entry.label ?? String(entry.value));
}

/** Return a class's name by what the product calls it. */
export function called(state: State, label: string): string {
  return call(state.language, `class.${label}`, label);
}

export function hazardTitle(state: State, id: string | null): string {
  const hazard = state.start?.hazards.find((one) => one.id === id);
  return hazard ? call(state.language, `hazard.${hazard.layer}`, hazard.title) : (id ?? "–");
}

export function regionTitle(state: State, id: string | null): string {
  const region = state.start?.regions.find((one) => one.id === id);
  return call(state.language, `region.${id}`, region?.title ?? id ?? "–");
}
