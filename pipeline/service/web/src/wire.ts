// What the service sends, as far as the page reads it.
import type { Geometry, Polygon, MultiPolygon } from "geojson";

export type Role = "estimate" | "uncertainty" | "exclusion";

export interface StartAsset {
  name: string;
  title: string;
  kind: "raster" | "table";
  unit: string | null;
  classes: boolean;
  role: Role | null;
}

export interface StartHazard {
  id: string;
  title: string;
  layer: string;
  grid: "region" | "scene" | "event";
  regions: string[];
  after: string | null;
  assets: StartAsset[];
}

export interface StartRegion {
  id: string;
  title: string;
  bounds: Bounds;
  languages: string[];
}

export interface Start {
  title: string;
  operator: string | null;
  version: string;
  languages: string[];
  refresh_seconds: number;
  exercise: string | null;
  borders: { kind: "naturalearth" | "file" | "none"; attribution: string | null };
  hazards: StartHazard[];
  regions: StartRegion[];
}

/** west, south, east, north, degrees. */
export type Bounds = [number, number, number, number];

export interface Link {
  rel: string;
  href: string;
  title?: string;
  type?: string;
}

export interface TableColumn {
  name: string;
  description?: string;
  "hazmon:unit"?: string;
}

export interface ItemAsset {
  href: string;
  type?: string;
  title?: string;
  roles?: string[];
  "table:columns"?: TableColumn[];
}

export interface Render {
  assets: string[];
  title?: string;
  colormap?: Record<string, string>;
  rescale?: [number, number][];
}

export interface ItemProperties {
  title?: string;
  datetime: string | null;
  start_datetime?: string;
  created: string;
  updated: string;
  deprecated?: boolean;
  version?: string;
  license?: string;
  renders?: Record<string, Render>;
  providers?: { name: string; url?: string }[];
  "proj:code"?: string;
  "proj:transform"?: number[];
  "hazmon:hazard": string;
  "hazmon:lineage": string;
  "hazmon:subject": string;
  "hazmon:revision": number;
  "hazmon:received": string;
  "hazmon:data_time": string;
  "hazmon:answers": Record<Role | "age", string>;
  "hazmon:attribution"?: string;
  "hazmon:exercise"?: boolean;
  "hazmon:synthetic"?: boolean;
  "hazmon:forecast"?: boolean;
  "hazmon:spin_up"?: boolean;
  "hazmon:withdrawn"?: { at: string; reason: string };
  "hazmon:longitude"?: number;
  "hazmon:latitude"?: number;
  "hazmon:magnitude"?: number;
}

export interface Item {
  type: "Feature";
  id: string;
  collection: string;
  bbox: number[];
  geometry: Geometry | null;
  properties: ItemProperties;
  assets: Record<string, ItemAsset>;
  links: Link[];
}

export interface ItemPage {
  type: "FeatureCollection";
  features: Item[];
  links?: Link[];
}

export type Severity = "Extreme" | "Severe" | "Moderate" | "Minor" | "Unknown";

export interface AlertProperties {
  identifier: string;
  sender: string;
  senderName?: string | null;
  sent: string;
  status: "Actual" | "Exercise" | "System" | "Test" | "Draft";
  msgType: string;
  references: string[];
  incident: string | null;
  hazard: string | null;
  event: string;
  urgency: string;
  severity: Severity;
  certainty: string;
  onset: string | null;
  effective: string | null;
  expires: string | null;
  active: boolean;
  superseded_by: string | null;
  language: string;
  languages: string[];
  translation_reviewed: boolean;
  headline: string | null;
  description: string | null;
  instruction: string | null;
  areaDesc: string | null;
  web: string | null;
  exercise: boolean;
  synthetic: boolean;
  product: string | null;
  cap: string;
}

export interface Alert {
  type: "Feature";
  id: string;
  geometry: Polygon | MultiPolygon | null;
  properties: AlertProperties;
}

export interface AlertPage {
  type: "FeatureCollection";
  features: Alert[];
  links?: Link[];
  numberMatched?: number;
}

export type FeedState = "good" | "late" | "failing" | "never" | "off";

export interface FeedStatus {
  id: string;
  title: string;
  state: FeedState;
  last_good: string | null;
  last_attempt: string | null;
  data_time: string | null;
  age_s: number | null;
  promise_s: number | null;
  failures: number;
  error: string | null;
  attribution?: string | null;
}

export interface LayerStatus {
  hazard: string;
  region: string | null;
  newest: string | null;
  data_time: string | null;
  age_s: number | null;
  promise_s: number | null;
  state: FeedState;
  item: string | null;
}

export interface RunStatus {
  dag: string;
  state: string;
  started: string | null;
  ended: string | null;
  partition?: string | null;
}

export interface Status {
  at: string;
  clock: "wall" | "exercise";
  exercise: string | null;
  feeds: FeedStatus[];
  layers: LayerStatus[];
  runs: RunStatus[] | null;
  /** Why there are none, where a scheduler was asked. */
  runs_error: string | null;
  quarantine: number;
  waiting: number;
}

export interface News {
  number: number;
  kind: "item" | "alert";
  /** What happened; of two that tell of one Item the later may come first. */
  what: "published" | "superseded" | "withdrawn" | "sent";
  /** How the Item stands when it is told; null where that is unknown. */
  standing?: "published" | "superseded" | "withdrawn" | null;
  id: string;
  hazard: string;
  at: string;
  title?: string;
  headline?: string;
}
