// The answer to one click, as `/explain/{item}` gives it.
import { get } from "./service.ts";
import type { Item, Role } from "./wire.ts";

export interface Said {
  asset: string;
  title: string;
  unit: string;
  answers: Role | null;
  value: number | null;
  state: "known" | "unknown" | "outside" | null;
  label: string | null;
}

export interface Given {
  input: string;
  source: string;
  id: string | null;
  time: string | null;
  received: string | null;
  age_s: number | null;
  synthetic: boolean | null;
  href: string | null;
}

export interface Explained {
  item: string;
  hazard: string;
  title: string;
  values: Said[];
  exclusion: { asset: string; without_reserve: boolean | null; meaning: string } | null;
  age: { at: string; data_time: string | null; data_age_s: number | null };
  inputs: Given[];
  layer: { name: string; version: string; source: string | null; doi: string | null };
  attribution: string;
  licence: string;
  href: string;
}

export function explain(item: Item, at: { longitude: number; latitude: number }): Promise<Explained> {
  const query = new URLSearchParams({ lon: String(at.longitude), lat: String(at.latitude) });
  return get<Explained>(`explain/${encodeURIComponent(item.id)}?${query}`);
}

/** One payload or product that inputs came from, whichever of its variables were read. */
export interface Origin {
  source: string;
  id: string | null;
  inputs: string[];
  time: string | null;
  received: string | null;
  href: string | null;
}

export function origins(inputs: Given[]): Origin[] {
  const found = new Map<string, Origin>();
  for (const given of inputs) {
    const key = `${given.source} ${given.id} ${given.href}`;
    const known = found.get(key);
    if (known) known.inputs.push(given.input);
    else found.set(key, { ...given, inputs: [given.input] });
  }
  return [...found.values()];
}
