// Marks of single places: the epicentre, facilities, the place that was asked about.
import type { GeoJSONSource, Map, Point as Pixel } from "maplibre-gl";
import { EMPTY } from "./style.ts";
import { chance } from "../numbers.ts";
import { shown } from "../select.ts";
import type { Point, State } from "../state.ts";
import { say } from "../words.ts";

/** How far from a facility's mark it is still meant, pixels: a finger is broad. */
const NEAR = 8;

type Properties = Record<string, string | number | boolean>;

export function drawMarks(map: Map, state: State): void {
  const mark = (longitude: number, latitude: number, properties: Properties) => ({
    type: "Feature" as const,
    properties,
    geometry: { type: "Point" as const, coordinates: [longitude, latitude] },
  });
  const features = shown(state).flatMap(({ item }) => {
    const { "hazmon:longitude": longitude, "hazmon:latitude": latitude } = item.properties;
    return longitude === undefined || latitude === undefined ? [] : [mark(longitude, latitude, { kind: "epicentre" })];
  });
  for (const point of state.points) features.push(mark(point.longitude, point.latitude, facility(state, point)));
  if (state.asked) features.push(mark(state.asked.longitude, state.asked.latitude, { kind: "asked" }));
  (map.getSource("marks") as GeoJSONSource).setData(features.length > 0 ? { type: "FeatureCollection", features } : EMPTY);
}

function facility({ language }: State, { longitude, latitude, name, probability, limited }: Point): Properties {
  const share = probability === null ? say(language, "legend.unknown") : chance(probability, language);
  const text = `${name} ${share}${limited ? ` (${say(language, "facility.limited")})` : ""}`;
  return { kind: "facility", text, probability: probability ?? -1, limited, longitude, latitude };
}

/** Return the position of the facility whose mark lies at a place of the screen, as its table gives it. */
export function facilityAt(map: Map, { x, y }: Pixel): [number, number] | null {
  if (!map.getLayer("mark-ring")) return null;
  const found = map.queryRenderedFeatures([[x - NEAR, y - NEAR], [x + NEAR, y + NEAR]], { layers: ["mark-ring"] });
  const one = found.find(({ properties }) => properties.kind === "facility");
  return one ? [Number(one.properties.longitude), Number(one.properties.latitude)] : null;
}
