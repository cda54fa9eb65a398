// What is seen first by whoever opens the page without asking for a view.
import type { View } from "./address.ts";
import { boundsOf, flat, roomy, union } from "./ground.ts";
import { activeAlerts, drawn, hazardOf, shown, stepsOf } from "./select.ts";
import type { State } from "./state.ts";
import type { Bounds, Severity, StartHazard } from "./wire.ts";

const ORDER: Severity[] = ["Extreme", "Severe", "Moderate", "Minor", "Unknown"];

/** Least extent of the first view, degrees: enough to see which part of the world it is. */
const LEAST = 1.2;

/** Return the hazard of the most severe active alert, else the first whose products are maps, of those that have any. */
export function firstHazard(state: State): string | null {
  const [worst] = [...activeAlerts(state)].sort((one, other) => ORDER.indexOf(one.properties.severity) - ORDER.indexOf(other.properties.severity));
  const named = worst?.properties.hazard ?? null;
  const maps = (state.start?.hazards ?? []).filter((hazard) => hazard.assets.some((asset) => asset.kind === "raster"));
  const published = (hazard: StartHazard) => state.status?.layers.some((layer) => layer.hazard === hazard.id && layer.item !== null);
  return hazardOf(state, named)?.id ?? (maps.find(published) ?? maps[0])?.id ?? null;
}

/** Return whether the page itself chose a layer that has nothing. */
export function isIdle(state: State): boolean {
  return state.guessed && state.hazard !== null && state.items[state.hazard] !== undefined && stepsOf(state).length === 0;
}

/** Return the part of the map that holds all active alerts, else, or where a layer was asked for, the products shown. */
export function firstView(state: State, asked: View): Bounds | null {
  const alerts = activeAlerts(state).map((alert) => boundsOf(alert.geometry)).filter((bounds) => bounds !== null);
  const products = (drawn(state)?.shown ?? shown(state)).map(({ item }) => flat(item.bbox));
  const found = union(asked.hazard !== undefined || alerts.length === 0 ? products : alerts);
  return found && roomy(found, LEAST);
}
