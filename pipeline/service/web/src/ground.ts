// Plane geometry of the map: is a point in a polygon, where does a tile lie.
import type { Geometry, Position } from "geojson";
import type { Bounds } from "./wire.ts";

/** Return whether a position lies inside a polygon or one of several (even-odd rule, holes are outside). */
export function contains(geometry: Geometry | null, longitude: number, latitude: number): boolean {
  return polygons(geometry).some((rings) => rings.reduce((inside, ring) => inside !== crosses(ring, longitude, latitude), false));
}

export function polygons(geometry: Geometry | null): Position[][][] {
  if (geometry?.type === "Polygon") return [geometry.coordinates];
  if (geometry?.type === "MultiPolygon") return geometry.coordinates;
  return [];
}

function crosses(ring: Position[], x: number, y: number): boolean {
  let inside = false;
  for (let index = 0, before = ring.length - 1; index < ring.length; before = index++) {
    const [x1, y1] = ring[index] as [number, number];
    const [x2, y2] = ring[before] as [number, number];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}

export function boundsOf(geometry: Geometry | null): Bounds | null {
  const all = polygons(geometry).flat(2);
  if (all.length === 0) return null;
  const [xs, ys] = [all.map((at) => at[0] as number), all.map((at) => at[1] as number)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

export function union(boxes: Bounds[]): Bounds | null {
  const [head, ...rest] = boxes;
  if (!head) return null;
  return rest.reduce<Bounds>(
    (all, box) => [Math.min(all[0], box[0]), Math.min(all[1], box[1]), Math.max(all[2], box[2]), Math.max(all[3], box[3])],
    head,
  );
}

/** Return a box around the same middle that spans at least some degrees each way. */
export function roomy([west, south, east, north]: Bounds, least: number): Bounds {
  const [x, y] = [Math.max(0, least - (east - west)) / 2, Math.max(0, least - (north - south)) / 2];
  return [west - x, Math.max(-85, south - y), east + x, Math.min(85, north + y)];
}

/** Return a bounding box of four numbers, whether it was given with heights or not. */
export function flat(bbox: number[]): Bounds {
  const [west, south] = bbox as [number, number];
  const half = bbox.length / 2;
  return [west, south, bbox[half] as number, bbox[half + 1] as number];
}
