// The base map's land and borders, from Natural Earth 1:50m as the package world-atlas has it, into compact GeoJSON.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { feature, mesh } from "topojson-client";

const require = createRequire(import.meta.url);
const out = new URL("../dist/basemap/", import.meta.url);

/** Decimals of a degree: 0.01 degrees are 1 km, and 1:50m draws 1 km as 0.02 mm. */
const DECIMALS = 2;

type Position = number[];

function read(name: string): any {
  return JSON.parse(readFileSync(require.resolve(`world-atlas/${name}`), "utf-8"));
}

/** Return a line on the coarser grid, without positions that fall on the one before. */
function coarse(line: Position[]): Position[] {
  const round = (value: number) => Number(value.toFixed(DECIMALS));
  const rounded = line.map(([x, y]) => [round(x!), round(y!)]);
  return rounded.filter((at, index) => index === 0 || at[0] !== rounded[index - 1]![0] || at[1] !== rounded[index - 1]![1]);
}

function collection(attribution: string, geometries: unknown[]): string {
  const features = geometries.map((geometry) => ({ type: "Feature", properties: {}, geometry }));
  return JSON.stringify({ type: "FeatureCollection", attribution, features });
}

const ATTRIBUTION = "Natural Earth 1:50m, public domain";
const world = read("countries-50m.json");
const ground = read("land-50m.json");

const polygons: Position[][][] = (feature(ground, ground.objects.land) as any).features.flatMap((one: any) =>
  one.geometry.type === "Polygon" ? [one.geometry.coordinates] : one.geometry.coordinates,
);
const land = polygons
  .map((rings) => rings.map(coarse).filter((ring) => ring.length > 3))
  .filter((rings) => rings.length > 0)
  .map((coordinates) => ({ type: "Polygon", coordinates }));

const between = mesh(world, world.objects.countries, (one, other) => one !== other) as any;
const lines = between.coordinates.map(coarse).filter((line: Position[]) => line.length > 1);

mkdirSync(out, { recursive: true });
writeFileSync(new URL("coastlines.geojson", out), collection(ATTRIBUTION, land));
writeFileSync(
  new URL("borders.geojson", out),
  collection(`${ATTRIBUTION}; de facto boundaries`, [{ type: "MultiLineString", coordinates: lines }]),
);
