// The base map: sea, land, coast, borders, places; quiet, so that the hazard is what is seen.
import type { StyleSpecification, ExpressionSpecification } from "maplibre-gl";
import { CHANCES } from "../chances.ts";
import { address } from "../service.ts";
import type { StartRegion } from "../wire.ts";

export interface Ink {
  sea: string;
  land: string;
  coast: string;
  border: string;
  region: string;
  town: string;
  halo: string;
}

export const LIGHT: Ink = {
  sea: "#d5dfe6",
  land: "#f5f4f0",
  coast: "#9aa9b4",
  border: "#7d838c",
  region: "#51606e",
  town: "#2b333b",
  halo: "rgba(255, 255, 255, 0.9)",
};

export const DARK: Ink = {
  sea: "#0e151c",
  land: "#1d262f",
  coast: "#42505d",
  border: "#6d7a87",
  region: "#8796a5",
  town: "#dfe6ec",
  halo: "rgba(10, 15, 20, 0.9)",
};

export const FONT = ["Inter Variable", "Noto Sans CJK SC", "Noto Sans", "DejaVu Sans", "sans-serif"];

/** Below this layer the products lie, above it lines, alerts and names. */
export const ABOVE_PRODUCTS = "coast";

export function style(ink: Ink, language: string, regions: StartRegion[]): StyleSpecification {
  return {
    version: 8,
    sources: {
      land: { type: "geojson", data: address("basemap/coastlines.geojson"), tolerance: 0.3 },
      borders: { type: "geojson", data: address("basemap/borders.geojson"), tolerance: 0.3 },
      places: { type: "geojson", data: address("basemap/places.geojson") },
      regions: { type: "geojson", data: outlines(regions) },
      alerts: { type: "geojson", data: EMPTY, promoteId: "identifier" },
      "alert-places": { type: "geojson", data: EMPTY, promoteId: "identifier" },
      marks: { type: "geojson", data: EMPTY },
    },
    layers: [
      { id: "sea", type: "background", paint: { "background-color": ink.sea } },
      { id: "land", type: "fill", source: "land", paint: { "fill-color": ink.land, "fill-antialias": true } },
      { id: "coast", type: "line", source: "land", paint: { "line-color": ink.coast, "line-width": 0.8 } },
      {
        id: "borders",
        type: "line",
        source: "borders",
        layout: { "line-join": "round" },
        paint: { "line-color": ink.border, "line-width": ["interpolate", ["linear"], ["zoom"], 3, 0.7, 8, 1.6], "line-dasharray": [4, 2] },
      },
      {
        id: "regions",
        type: "line",
        source: "regions",
        maxzoom: 8,
        paint: { "line-color": ink.region, "line-width": 1, "line-dasharray": [1, 3], "line-opacity": 0.8 },
      },
      ...alertLayers(),
      {
        id: "places",
        type: "symbol",
        source: "places",
        filter: enough(),
        layout: {
          "text-field": inLanguage(language),
          "text-font": FONT,
          "text-size": ["interpolate", ["linear"], ["sqrt", ["get", "population"]], 150, 10.5, 2000, 14.5],
          "text-variable-anchor": ["left", "right", "top", "bottom"],
          "text-radial-offset": 0.45,
          "text-justify": "auto",
          "text-padding": 6,
          "symbol-sort-key": ["-", ["get", "population"]],
          "icon-image": ["case", ["has", "capital"], "capital", "town"],
          "icon-allow-overlap": false,
          "text-optional": false,
        },
        paint: { "text-color": ink.town, "text-halo-color": ink.halo, "text-halo-width": 1.4, "text-halo-blur": 0.4 },
      },
      {
        id: "mark-casing",
        type: "circle",
        source: "marks",
        paint: {
          "circle-radius": ["match", ["get", "kind"], "epicentre", 8, "facility", 7, 7],
          "circle-opacity": 0,
          "circle-stroke-color": "#ffffff",
          "circle-stroke-width": 4.5,
          "circle-stroke-opacity": 0.85,
        },
      },
      {
        id: "mark-ring",
        type: "circle",
        source: "marks",
        paint: {
          "circle-radius": ["match", ["get", "kind"], "epicentre", 8, "facility", 7, 7],
          // Light to dark: how likely the facility is affected; white where nobody knows.
          "circle-color": [
            "match", ["get", "kind"],
            "facility", ["step", ["get", "probability"], "#ffffff", ...CHANCES.flatMap(([from, , colour]) => [from, colour])] as never,
            "rgba(255,255,255,0.3)",
          ],
          "circle-stroke-color": ["match", ["get", "kind"], "asked", "#0b57a4", "#111418"],
          "circle-stroke-width": 2.2,
        },
      },
      {
        id: "mark-dot",
        type: "circle",
        source: "marks",
        filter: ["!=", ["get", "kind"], "facility"],
        paint: { "circle-radius": 2.4, "circle-color": ["match", ["get", "kind"], "asked", "#0b57a4", "#111418"] },
      },
      {
        // Read with care: a white middle.
        id: "mark-limited",
        type: "circle",
        source: "marks",
        filter: ["==", ["get", "limited"], true],
        paint: { "circle-radius": 2.6, "circle-color": "#ffffff", "circle-stroke-color": "#111418", "circle-stroke-width": 1 },
      },
      {
        id: "mark-names",
        type: "symbol",
        source: "marks",
        filter: ["has", "text"],
        layout: {
          "text-field": ["get", "text"],
          "text-font": FONT,
          "text-size": 12,
          "text-variable-anchor": ["left", "right", "top", "bottom"],
          "text-radial-offset": 0.9,
          "text-justify": "auto",
          "symbol-sort-key": ["-", ["get", "probability"]],
        },
        paint: { "text-color": ink.town, "text-halo-color": ink.halo, "text-halo-width": 1.6 },
      },
    ],
  };
}

export const EMPTY = { type: "FeatureCollection" as const, features: [] };

/** CAP severities, the gravest first and darkest, told apart by lightness alone as well as by colour. */
export const SEVERITY: Record<string, string> = {
  Extreme: "#6a0f49",
  Severe: "#c9301c",
  Moderate: "#ee8a17",
  Minor: "#f0c52e",
  Unknown: "#77808a",
};

const severity: ExpressionSpecification = [
  "match", ["get", "severity"],
  "Extreme", SEVERITY.Extreme!, "Severe", SEVERITY.Severe!, "Moderate", SEVERITY.Moderate!, "Minor", SEVERITY.Minor!,
  SEVERITY.Unknown!,
];

/** How far alerts are filled: over a product not at all, so that its colours stay true; but the chosen one always a little. */
export function veil(product: boolean): ExpressionSpecification {
  const chosen: ExpressionSpecification = ["boolean", ["feature-state", "chosen"], false];
  const active: ExpressionSpecification = ["boolean", ["get", "active"], false];
  return product ? ["case", chosen, 0.08, 0] : ["case", chosen, 0.3, active, 0.12, 0.04];
}

function alertLayers(): StyleSpecification["layers"] {
  const chosen: ExpressionSpecification = ["boolean", ["feature-state", "chosen"], false];
  const active: ExpressionSpecification = ["boolean", ["get", "active"], false];
  return [
    {
      id: "alert-fill",
      type: "fill",
      source: "alerts",
      paint: { "fill-color": severity, "fill-opacity": veil(false) },
    },
    {
      id: "alert-casing",
      type: "line",
      source: "alerts",
      paint: { "line-color": "#ffffff", "line-width": ["case", chosen, 6, 4], "line-opacity": ["case", active, 0.75, 0.3] },
    },
    {
      id: "alert-actual",
      type: "line",
      source: "alerts",
      filter: ["==", ["get", "status"], "Actual"],
      paint: { "line-color": severity, "line-width": ["case", chosen, 3.6, 2], "line-opacity": ["case", active, 1, 0.5] },
    },
    {
      // Nobody is warned in earnest by these: a broken line.
      id: "alert-other",
      type: "line",
      source: "alerts",
      filter: ["!=", ["get", "status"], "Actual"],
      paint: {
        "line-color": severity,
        "line-width": ["case", chosen, 3.6, 2],
        "line-dasharray": [3, 1.4],
        "line-opacity": ["case", active, 1, 0.5],
      },
    },
    {
      // Where the outline is too small to be seen.
      id: "alert-places",
      type: "symbol",
      source: "alert-places",
      filter: ["step", ["zoom"], small(4), 3, small(2), 4, small(1), 5, small(0.5), 6, small(0.25), 7, false] as never,
      layout: {
        "icon-image": ["concat", "alert-", ["get", "severity"], "-", ["to-string", ["==", ["get", "status"], "Actual"]]],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "symbol-z-order": "source",
      },
      paint: { "icon-opacity": ["case", active, 1, 0.6] },
    },
  ];
}

/** Whether an alert's area spans less than some degrees. */
function small(degrees: number): ExpressionSpecification {
  return ["<", ["get", "extent"], degrees];
}

/** Return how a place is called in a language; the main name where the language has none. */
export function inLanguage(language: string): ExpressionSpecification {
  return ["coalesce", ["get", `name_${language.split("-")[0]}`], ["get", "name"]];
}

/** Which places are large enough to be named at a zoom. */
function enough(): ExpressionSpecification {
  const least: ExpressionSpecification = ["step", ["zoom"], 2500000, 3, 1500000, 4, 500000, 5, 200000, 6, 80000, 7, 40000, 8, 0];
  return ["any", [">=", ["get", "population"], least], ["all", ["has", "capital"], [">=", ["zoom"], 3]]] as ExpressionSpecification;
}

function outlines(regions: StartRegion[]) {
  return {
    type: "FeatureCollection" as const,
    features: regions.map(({ id, bounds: [west, south, east, north] }) => {
      const right = east < west ? east + 360 : east;
      const ring = [[west, south], [right, south], [right, north], [west, north], [west, south]];
      return { type: "Feature" as const, properties: { id }, geometry: { type: "LineString" as const, coordinates: ring } };
    }),
  };
}
