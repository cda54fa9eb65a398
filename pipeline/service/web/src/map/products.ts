// The products on the map: the new ones are added first and the old ones leave when the new are there, so nothing flickers.
import type { LineLayerSpecification, Map, RasterLayerSpecification } from "maplibre-gl";
import { reasons } from "./reasons.ts";
import { ABOVE_PRODUCTS } from "./style.ts";
import { flat } from "../ground.ts";
import { deepest } from "../products.ts";
import { drawn, ofDrawn } from "../select.ts";
import { tiles } from "../service.ts";
import type { State } from "../state.ts";
import type { Item } from "../wire.ts";

export const PREFIX = "product ";

/** Longest an old picture stays under a new one that does not come, ms. */
const PATIENCE = 2500;

export function show(map: Map, state: State, still: boolean): void {
  const picture = drawn(state);
  const wanted = new globalThis.Map<string, () => void>();
  if (picture) {
    const { asset } = picture;
    const codes = ofDrawn(state.reasons, state);
    for (const { item } of picture.shown) {
      const mask = item.properties["hazmon:answers"].exclusion;
      wanted.set(`${PREFIX}${item.id} ${asset}`, () => add(map, item, asset, tiles(item, asset), still));
      const plain = codes?.asset === mask ? codes.classes?.find((one) => one.value === 0)?.colour : undefined;
      if (state.exclusion && asset !== mask && item.assets[mask] && plain) {
        // Made anew where the legend says another colour.
        const name = `reasons ${plain}`;
        wanted.set(`${PREFIX}${item.id} ${name}`, () => add(map, item, name, reasons(tiles(item, mask), plain), still));
      }
      if (item.geometry) wanted.set(`${PREFIX}${item.id} edge`, () => outline(map, item));
    }
  }
  const there = map.getLayersOrder().filter((id) => id.startsWith(PREFIX));
  for (const [id, make] of wanted) if (!map.getLayer(id)) make();
  for (const id of wanted.keys()) {
    if (id.endsWith(" edge")) continue;
    const opacity = id.includes(" reasons ") ? Math.min(1, state.opacity + 0.1) : state.opacity;
    if (map.getPaintProperty(id, "raster-opacity") !== opacity) map.setPaintProperty(id, "raster-opacity", opacity);
  }
  leave(map, there.filter((id) => !wanted.has(id)), [...wanted.keys()]);
}

function add(map: Map, item: Item, name: string, url: string, still: boolean): void {
  const id = `${PREFIX}${item.id} ${name}`;
  map.addSource(id, { type: "raster", tiles: [url], tileSize: 256, bounds: flat(item.bbox), maxzoom: deepest(item) });
  const layer: RasterLayerSpecification = {
    id,
    type: "raster",
    source: id,
    // Cells are shown as they are: no value between two cells was ever computed.
    paint: { "raster-resampling": "nearest", "raster-fade-duration": still ? 0 : 120, "raster-opacity": 0 },
  };
  map.addLayer(layer, ABOVE_PRODUCTS);
}

/** Where the data end: beyond it nothing is known, which the ground's own colour must not be taken for. */
function outline(map: Map, item: Item): void {
  const id = `${PREFIX}${item.id} edge`;
  map.addSource(id, { type: "geojson", data: { type: "Feature", properties: {}, geometry: item.geometry! } });
  const layer: LineLayerSpecification = { id, type: "line", source: id, paint: { "line-color": "#64748b", "line-width": 1.5 } };
  map.addLayer(layer, ABOVE_PRODUCTS);
}

const leaving = new Set<string>();

function leave(map: Map, old: string[], wanted: string[]): void {
  for (const id of wanted) leaving.delete(id);
  const going = old.filter((id) => !leaving.has(id));
  if (going.length === 0) return;
  for (const id of going) leaving.add(id);
  const remove = () => {
    map.off("sourcedata", look);
    clearTimeout(timer);
    for (const id of going) {
      if (!leaving.delete(id) || !map.getLayer(id)) continue;
      map.removeLayer(id);
      map.removeSource(id);
    }
  };
  const look = () => {
    if (wanted.every((id) => !map.getSource(id) || map.isSourceLoaded(id))) remove();
  };
  const timer = setTimeout(remove, wanted.length > 0 ? PATIENCE : 0);
  if (wanted.length > 0) map.on("sourcedata", look);
}
