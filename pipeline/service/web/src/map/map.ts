// The map: follows the state and shows it; tells the state where somebody clicked and what part of the world is seen.
import "maplibre-gl/dist/maplibre-gl.css";
import { GPUInitializationError, Map, setWorkerUrl, type GeoJSONSource, type LngLat, type Point } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { addControls } from "./controls.ts";
import { addIcons } from "./icons.ts";
import { drawMarks, facilityAt } from "./marks.ts";
import { register } from "./reasons.ts";
import { PREFIX, show } from "./products.ts";
import { roomIn } from "./room.ts";
import { DARK, LIGHT, inLanguage, style, veil, type Ink } from "./style.ts";
import { ask, chooseAlert, note } from "../actions.ts";
import { boundsOf, flat, union } from "../ground.ts";
import { drawn, shownAlerts } from "../select.ts";
import { change, current, follow, type State } from "../state.ts";
import type { Alert, Bounds } from "../wire.ts";
import { say } from "../words.ts";

setWorkerUrl(workerUrl);

const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");

export function isDark(state: State): boolean {
  return state.theme === "dark" || (state.theme === "auto" && dark.matches);
}

function ink(state: State): Ink {
  return isDark(state) ? DARK : LIGHT;
}

/** Draw the map; where the browser cannot, say so in the state, and the page does without. */
export function begin(container: HTMLElement): void {
  try {
    create(container);
  } catch (error) {
    if (!(error instanceof GPUInitializationError)) throw error;
    change({ mapless: true });
  }
}

function create(container: HTMLElement): void {
  const state = current();
  register();
  const map = new Map({
    container,
    style: style(ink(state), state.language, state.start?.regions ?? []),
    ...place(state, container),
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    maxPitch: 0,
    minZoom: 1.5,
    maxZoom: 14,
    renderWorldCopies: true,
    fadeDuration: still.matches ? 0 : 200,
    locale: { "Map.Title": say(state.language, "map.label") },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  const rename = addControls(map, container, state);
  follow((now, before) => now.language !== before.language && rename(now));
  tellWhenStill(map, container);
  map.on("style.load", () => addIcons(map, ink(current())));
  map.on("load", () => {
    draw(map, current(), null);
    follow((now, before) => draw(map, now, before));
  });
  map.on("movestart", ({ originalEvent }) => originalEvent && !current().moved && change({ moved: true }));
  map.on("moveend", () => {
    const { lng, lat } = map.getCenter();
    change({ view: [round(map.getZoom(), 2), round(lat, 3), round(lng, 3)] });
  });
  map.on("click", ({ lngLat, point }) => {
    // A mark stands for an area that is too small to be hit.
    const [mark] = map.getLayer("alert-places") ? map.queryRenderedFeatures(point, { layers: ["alert-places"] }) : [];
    if (mark) void chooseAlert(String(mark.properties.identifier));
    else askAt(map, lngLat, point);
  });
  // Who has no mouse moves the map by its keys until the cross lies where the question is.
  map.getCanvas().addEventListener("keydown", (event) => event.key === "Enter" && askAt(map, map.getCenter(), map.project(map.getCenter())));
  // Bare ground where a picture did not come would be taken for "no hazard".
  map.on("error", (event) => {
    if ("sourceId" in event && String(event.sourceId).startsWith(PREFIX)) note(say(current().language, "map.unread"), true);
    else console.error(event.error.message);
  });
  dark.addEventListener("change", () => restyle(map));
}

/** Ask what is known at a place; at a facility's mark, of the facility. */
function askAt(map: Map, place: LngLat, point: Point): void {
  const { lng, lat } = place.wrap();
  const [longitude, latitude] = facilityAt(map, point) ?? [lng, lat];
  ask({ longitude: round(longitude, 5), latitude: round(latitude, 5) });
}

/** Say on the map's element whether all of it is drawn, for whoever looks at it by program. */
function tellWhenStill(map: Map, container: HTMLElement): void {
  for (const event of ["movestart", "dataloading"] as const) map.on(event, () => (container.dataset.drawn = "no"));
  map.on("idle", () => (container.dataset.drawn = "yes"));
}

function place(state: State, { clientHeight }: HTMLElement) {
  if (state.view) return { zoom: state.view[0], center: [state.view[2], state.view[1]] as [number, number] };
  const all = union((state.start?.regions ?? []).map((region) => region.bounds)) ?? [40, 33, 95, 57];
  return { bounds: all, fitBoundsOptions: { padding: Math.min(30, clientHeight / 8) } };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function restyle(map: Map): void {
  const state = current();
  map.setStyle(style(ink(state), state.language, state.start?.regions ?? []), { diff: false });
  map.once("style.load", () => draw(map, current(), null));
}

function draw(map: Map, state: State, before: State | null): void {
  if (before && state.theme !== before.theme && isDark(state) !== isDark(before)) {
    restyle(map);
    return;
  }
  if (!map.getSource("alerts")) return;
  if (state.language !== before?.language) map.setLayoutProperty("places", "text-field", inLanguage(state.language));
  show(map, state, still.matches);
  const product = drawn(state) !== null;
  if (!before || product !== (drawn(before) !== null)) map.setPaintProperty("alert-fill", "fill-opacity", veil(product));
  const other = !before || before.alerts !== state.alerts || before.chosenAlert !== state.chosenAlert;
  if (other || before.past !== state.past) drawAlerts(map, state);
  if (other) choose(map, state);
  if (!before || changed(state, before)) drawMarks(map, state);
  // The cards first take the places that the map is to leave them.
  if (state.goTo && state.goTo !== gone) requestAnimationFrame(() => go(map, current().goTo));
  if (state.jump && state.jump !== before?.jump) map.jumpTo({ zoom: state.jump[0], center: [state.jump[2], state.jump[1]] });
}

function changed(state: State, before: State): boolean {
  return ["asked", "points", "hazard", "step", "items", "versions", "language"].some((name) => state[name as keyof State] !== before[name as keyof State]);
}

function drawAlerts(map: Map, state: State): void {
  // The lightest first, so that the most severe lie on top.
  const order = ["Unknown", "Minor", "Moderate", "Severe", "Extreme"];
  const chosen = state.alerts.filter((alert) => alert.id === state.chosenAlert);
  const shown = [...new Set([...shownAlerts(state), ...chosen])]
    .filter((alert) => alert.geometry !== null)
    .sort((one, other) => order.indexOf(one.properties.severity) - order.indexOf(other.properties.severity))
    .map((alert) => ({ geometry: alert.geometry!, properties: marksOf(alert) }));
  const areas = shown.map((one) => ({ type: "Feature" as const, ...one }));
  const places = shown.map(({ geometry, properties }) => {
    const [west, south, east, north] = boundsOf(geometry) as Bounds;
    const middle = { type: "Point" as const, coordinates: [(west + east) / 2, (south + north) / 2] };
    return { type: "Feature" as const, geometry: middle, properties: { ...properties, extent: Math.max(east - west, north - south) } };
  });
  (map.getSource("alerts") as GeoJSONSource).setData({ type: "FeatureCollection", features: areas });
  (map.getSource("alert-places") as GeoJSONSource).setData({ type: "FeatureCollection", features: places });
}

function marksOf({ id, properties: { severity, status, active } }: Alert) {
  return { identifier: id, severity, status, active };
}

function choose(map: Map, state: State): void {
  map.removeFeatureState({ source: "alerts" });
  if (state.chosenAlert) map.setFeatureState({ source: "alerts", id: state.chosenAlert }, { chosen: true });
}

/** Where the map went last: other colours do not send it there again. */
let gone: Bounds | null = null;

function go(map: Map, bounds: Bounds | null): void {
  const padding = roomIn(map.getContainer());
  if (!bounds || bounds === gone || !padding) return;
  gone = bounds;
  map.fitBounds(flat(bounds), { padding, maxZoom: 10, animate: !still.matches, duration: 700 });
}

