// The address of a view: what is looked at stands after the # and can be sent to somebody.

export const TABS = ["alerts", "layers", "status"] as const;
export type Tab = (typeof TABS)[number];

export interface View {
  hazard?: string;
  asset?: string;
  step?: string;
  item?: string;
  alert?: string;
  tab?: Tab;
  lang?: string;
  /** zoom, latitude, longitude */
  map?: [number, number, number];
  /** longitude, latitude */
  at?: [number, number];
  opacity?: number;
}

/** What an address says, and the parts of it that cannot be, as they stand there. */
export interface Read {
  view: View;
  wrong: string[];
}

const TEXTS = ["hazard", "asset", "step", "item", "alert", "lang"] as const;

/** Numbers of an address, and between which bounds each can be what it is given for; MapLibre throws at what lies beyond the poles. */
const NUMBERS = {
  map: [[0, 24], [-85.06, 85.06], [-720, 720]],
  at: [[-180, 180], [-90, 90]],
  opacity: [[0, 1]],
} as const;

export function read(hash: string): Read {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const view: View = {};
  for (const name of TEXTS) {
    const value = given.get(name);
    if (value) view[name] = value;
  }
  const tab = TABS.find((one) => one === given.get("tab"));
  if (tab) view.tab = tab;
  const [map, at, opacity] = [numbers(given, "map"), numbers(given, "at"), numbers(given, "opacity")];
  if (map) view.map = map as [number, number, number];
  if (at) view.at = at as [number, number];
  if (opacity) view.opacity = opacity[0] as number;
  const known = new Set(Object.keys(view));
  const wrong = [...given].filter(([name, value]) => value !== "" && !known.has(name) && (name === "tab" || name in NUMBERS));
  return { view, wrong: wrong.map(([name, value]) => `${name}=${value}`) };
}

function numbers(given: URLSearchParams, name: keyof typeof NUMBERS): number[] | null {
  const parts = (given.get(name) ?? "").split("/");
  const values = parts.map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const bounds = NUMBERS[name];
  return values.length === bounds.length && bounds.every(([least, greatest], at) => least <= values[at]! && values[at]! <= greatest) ? values : null;
}

export function write(view: View): string {
  const parts = Object.entries(view)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => [name, Array.isArray(value) ? value.join("/") : String(value)] as const);
  // Slashes, colons and commas need no escape after the #; left alone they can be read.
  const text = parts.map(([name, value]) => `${name}=${encodeURIComponent(value).replace(/%2F/g, "/").replace(/%3A/g, ":")}`);
  return `#${text.join("&")}`;
}
