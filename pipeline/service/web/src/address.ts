// The address of a view: what is looked at stands after the # and can be sent to somebody.

export interface View {
  hazard?: string;
  asset?: string;
  step?: string;
  item?: string;
  alert?: string;
  tab?: string;
  lang?: string;
  /** zoom, latitude, longitude */
  map?: [number, number, number];
  /** longitude, latitude */
  at?: [number, number];
  opacity?: number;
}

export function read(hash: string): View {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const view: View = {};
  for (const name of ["hazard", "asset", "step", "item", "alert", "tab", "lang"] as const) {
    const value = given.get(name);
    if (value) view[name] = value;
  }
  const map = numbers(given.get("map"), 3);
  if (map) view.map = map as [number, number, number];
  const at = numbers(given.get("at"), 2);
  if (at) view.at = at as [number, number];
  const opacity = numbers(given.get("opacity"), 1);
  if (opacity) view.opacity = Math.max(0, Math.min(1, opacity[0] as number));
  return view;
}

function numbers(text: string | null, count: number): number[] | null {
  const values = (text ?? "").split("/").map(Number);
  return text && values.length === count && values.every(Number.isFinite) ? values : null;
}

export function write(view: View): string {
  const parts = Object.entries(view)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => [name, Array.isArray(value) ? value.join("/") : String(value)] as const);
  // Slashes, colons and commas need no escape after the #; left alone they can be read.
  const text = parts.map(([name, value]) => `${name}=${encodeURIComponent(value).replace(/%2F/g, "/").replace(/%3A/g, ":")}`);
  return `#${text.join("&")}`;
}
