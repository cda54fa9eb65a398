// Questions to the service; every address is relative to the page, so that a proxy may serve it below any path.
import type { Alert, Item, ItemPage, Start, Status } from "./wire.ts";

/** Items of one hazard that are asked for at once; older ones are asked for when wanted. */
export const PAGE = 200;

/** What a list of Items needs not carry. */
const WITHOUT = ["properties.renders", "properties.hazmon:parameters", "properties.processing:lineage", "properties.sci:citation"]
  .map((name) => `-${name}`)
  .join(",");

export class Unanswered extends Error {}

export function address(path: string): string {
  return new URL(path, document.baseURI).href;
}

export function get<Answer>(path: string): Promise<Answer> {
  return reach(path, "application/json", async (response) => (await response.json()) as Answer);
}

export function text(path: string, signal?: AbortSignal): Promise<string> {
  return reach(path, "*/*", (response) => response.text(), signal);
}

/** Whatever goes wrong on the way (no network, a proxy's page instead of JSON, half an answer) is one thing: no answer. */
async function reach<Body>(path: string, accept: string, body: (response: Response) => Promise<Body>, signal?: AbortSignal): Promise<Body> {
  try {
    const response = await fetch(address(path), { headers: { Accept: accept }, ...(signal ? { signal } : {}) });
    if (!response.ok) throw new Unanswered(`${path}: found status ${response.status}`);
    return await body(response);
  } catch (error) {
    if (error instanceof Unanswered) throw error;
    throw new Unanswered(`no answer from ${path}`, { cause: error });
  }
}

export const start = () => get<Start>("page.json");
export const status = () => get<Status>("status");

/** Return a hazard's Items, newest first. */
export async function items(hazard: string): Promise<Item[]> {
  const query = new URLSearchParams({ collections: hazard, limit: String(PAGE), sortby: "-datetime", fields: WITHOUT });
  return (await get<ItemPage>(`stac/search?${query}`)).features;
}

export async function alerts(language: string): Promise<Alert[]> {
  const query = new URLSearchParams({ limit: "200", lang: language });
  return (await get<{ features: Alert[] }>(`features/collections/alerts/items?${query}`)).features;
}

export function alert(id: string, language: string): Promise<Alert> {
  return get<Alert>(`features/collections/alerts/items/${encodeURIComponent(id)}?${new URLSearchParams({ lang: language })}`);
}

export function tiles(item: Item, asset: string): string {
  const [hazard, id] = [encodeURIComponent(item.collection), encodeURIComponent(item.id)];
  return address(`raster/${hazard}/${id}/${asset}/tiles/WebMercatorQuad/`) + "{z}/{x}/{y}.png";
}

