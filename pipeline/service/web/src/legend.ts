// What the colours mean, as `/raster/.../legend.json` gives it.
import { get, Unanswered } from "./service.ts";
import type { Item } from "./wire.ts";

export interface Entry {
  value: number;
  colour: string;
  label: string | null;
}

export interface Legend {
  hazard: string;
  item: string;
  asset: string;
  title: string;
  unit: string;
  kind: "classes" | "ramp";
  classes: Entry[] | null;
  range: [number, number] | null;
  stops: Entry[] | null;
  /** The ramp in even steps over its range. */
  colours: string[] | null;
  unknown: { label: string; colour: string; stripes: string };
}

const known = new Map<string, Legend>();

/** Return the legend of an asset; null where the service has none. */
export async function legend(item: Item, asset: string): Promise<Legend | null> {
  const key = `${item.id} ${asset}`;
  const found = known.get(key) ?? (await read(item, asset));
  if (found) known.set(key, found);
  return found;
}

async function read(item: Item, asset: string): Promise<Legend | null> {
  const path = `raster/${encodeURIComponent(item.collection)}/${encodeURIComponent(item.id)}/${asset}/legend.json`;
  try {
    return { ...(await get<Legend>(path)), hazard: item.collection };
  } catch (error) {
    if (error instanceof Unanswered) return null;
    throw error;
  }
}
