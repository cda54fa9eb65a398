// Items put in order: the versions of one subject, the subjects of one moment, the moments of a hazard.
import type { Item, StartHazard } from "./wire.ts";

/** Everything published about one thing: an earthquake, a day of a region, a scene. */
export interface Subject {
  lineage: string;
  /** Oldest first. */
  versions: Item[];
  /** The version that stands; the newest one where none does. */
  newest: Item;
  withdrawn: boolean;
}

/** What the time slider stops at. */
export interface Step {
  key: string;
  /** Moment the data are about, ISO 8601. */
  time: string;
  subjects: Subject[];
}

export function subjects(items: Item[]): Subject[] {
  const found = new Map<string, Item[]>();
  for (const item of items) {
    const lineage = item.properties["hazmon:lineage"];
    const versions = found.get(lineage);
    if (versions) versions.push(item);
    else found.set(lineage, [item]);
  }
  return [...found].map(([lineage, versions]) => subject(lineage, versions.sort(byVersion)));
}

function subject(lineage: string, versions: Item[]): Subject {
  const standing = versions.filter((item) => !item.properties.deprecated);
  const newest = standing.at(-1) ?? (versions.at(-1) as Item);
  return { lineage, versions, newest, withdrawn: isWithdrawn(newest) };
}

/** Order by what the source calls its revision, then by the moment it was made. */
function byVersion(one: Item, other: Item): number {
  const [a, b] = [one.properties, other.properties];
  return a["hazmon:revision"] - b["hazmon:revision"] || compare(a.created, b.created) || compare(one.id, other.id);
}

/** Return the lineages of which only superseded versions are in hand: what stands instead of them was not read. */
export function unsettled(items: Item[]): string[] {
  return subjects(items)
    .filter(({ versions }) => versions.every((item) => item.properties.deprecated && !isWithdrawn(item)))
    .map(({ lineage }) => lineage);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

export function isWithdrawn(item: Item): boolean {
  return item.properties["hazmon:withdrawn"] !== undefined;
}

export function dataTime(item: Item): string {
  const { datetime, start_datetime, created } = item.properties;
  return start_datetime ?? datetime ?? created;
}

/** Return the moments of a hazard, oldest first: an event is its own moment, regions and scenes share their day. */
export function steps(hazard: StartHazard, items: Item[]): Step[] {
  const found = new Map<string, Step>();
  for (const one of subjects(items)) {
    const time = dataTime(one.newest);
    const key = hazard.grid === "event" ? one.lineage : time.slice(0, 10);
    const step = found.get(key);
    if (step) {
      step.subjects.push(one);
      if (time < step.time) step.time = time;
    } else found.set(key, { key, time, subjects: [one] });
  }
  const ordered = [...found.values()];
  for (const step of ordered) step.subjects.sort((one, other) => compare(one.lineage, other.lineage));
  return ordered.sort((one, other) => compare(one.time, other.time) || compare(one.key, other.key));
}

/** Return the step to begin with: for days the newest analysis or forecast up to today, else the newest that stands. */
export function first(all: Step[], today: string): Step | undefined {
  const standing = all.filter((step) => step.subjects.some((one) => !one.withdrawn));
  const begun = standing.filter((step) => step.time.slice(0, 10) <= today);
  return begun.at(-1) ?? standing[0] ?? all.at(-1);
}

export type Standing = "current" | "superseded" | "withdrawn";

export function standing(subject: Subject, item: Item): Standing {
  if (isWithdrawn(item)) return "withdrawn";
  if (item.properties.deprecated) return "superseded";
  return item.id === subject.newest.id ? "current" : "superseded";
}

export function assetNames(item: Item): string[] {
  return Object.entries(item.assets)
    .filter(([, asset]) => (asset.type ?? "").startsWith("image/tiff"))
    .map(([name]) => name);
}

/** Return the zoom beyond which tiles show nothing new: cells of a tile's pixel size. */
export function deepest(item: Item): number {
  const step = Math.abs(item.properties["proj:transform"]?.[0] ?? 0.01);
  const code = item.properties["proj:code"] ?? "EPSG:4326";
  const degrees = code === "EPSG:4326" ? step : step / 111320;
  return Math.max(3, Math.min(16, Math.ceil(Math.log2(360 / (256 * degrees))) + 1));
}
