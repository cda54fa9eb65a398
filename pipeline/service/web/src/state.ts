// What the page knows and shows: one value, replaced as a whole; whoever shows it is told.
import type { Tab } from "./address.ts";
import type { Alert, Bounds, Item, Start, Status } from "./wire.ts";
import type { Legend } from "./legend.ts";
import type { Explained } from "./explained.ts";

export type { Tab } from "./address.ts";
export type Sheet = "low" | "half" | "full";
export type Live = "starting" | "live" | "polling" | "lost";

export interface Point {
  longitude: number;
  latitude: number;
  name: string;
  /** 0 to 1, where the table gives one. */
  probability: number | null;
  /** To be read with care. */
  limited: boolean;
  /** What its table says of it, by column. */
  row: Record<string, string>;
}

export interface Asked {
  longitude: number;
  latitude: number;
}

/** A message as it is said aloud. */
export interface Alarm {
  id: string;
  text: string;
}

export interface State {
  start: Start | null;
  /** Why the page could not start. */
  broken: string | null;
  language: string;
  theme: "auto" | "light" | "dark";
  tab: Tab;
  sheet: Sheet;

  live: Live;
  /** When the service last answered, by the service's own clock, ms. */
  answered: number;
  /** Service's clock less this machine's, ms; an exercise's own clock stands still between answers. */
  offset: number;
  frozen: string | null;
  status: Status | null;

  hazard: string | null;
  /** The page chose the layer by itself, nobody asked for it. */
  guessed: boolean;
  items: Record<string, Item[]>;
  /** Where Items before those read are, by hazard; null where there are none. */
  earlier: Record<string, string | null>;
  /** Hazards whose Items were asked for in vain. */
  unread: Record<string, string>;
  step: string | null;
  /** Versions chosen instead of the newest, by lineage. */
  versions: Record<string, string>;
  assets: Record<string, string>;
  opacity: number;
  exclusion: boolean;
  playing: boolean;
  legend: Legend | null;
  /** What the codes of the exclusion mask mean. */
  reasons: Legend | null;
  legendOpen: boolean;
  /** Places that a table on the map names. */
  points: Point[];

  /** All active ones, and the past ones that were read. */
  alerts: Alert[];
  /** Where past alerts before those read are; null where there are none. */
  earlierAlerts: string | null;
  /** How many past alerts there are. */
  pastCount: number;
  alertsRead: boolean;
  past: boolean;
  chosenAlert: string | null;
  /** The chosen alert in the language chosen for it. */
  alertText: Alert | null;
  /** Why it cannot be read. */
  alertUnread: "alert.missing" | "live.unanswered" | null;
  table: boolean;

  asked: Asked | null;
  explained: Record<string, Explained | "waiting" | "failed">;

  /** What is said aloud to screen readers. */
  told: string;
  /** The newest alerts that came while the page was open, oldest first: said aloud apart from all else, each by itself. */
  alarms: Alarm[];
  note: string | null;
  view: [number, number, number] | null;
  /** The reader moved the map. */
  moved: boolean;
  goTo: Bounds | null;
  /** zoom, latitude, longitude that an address asks for while the page is open */
  jump: [number, number, number] | null;
  /** The browser cannot draw maps. */
  mapless: boolean;
}

export const initial: State = {
  start: null,
  broken: null,
  language: "en",
  theme: "auto",
  tab: "alerts",
  sheet: "half",
  live: "starting",
  answered: 0,
  offset: 0,
  frozen: null,
  status: null,
  hazard: null,
  guessed: false,
  items: {},
  earlier: {},
  unread: {},
  step: null,
  versions: {},
  assets: {},
  opacity: 0.85,
  exclusion: true,
  playing: false,
  legend: null,
  reasons: null,
  legendOpen: !matchMedia("(max-width: 760px)").matches,
  points: [],
  alerts: [],
  earlierAlerts: null,
  pastCount: 0,
  alertsRead: false,
  past: false,
  chosenAlert: null,
  alertText: null,
  alertUnread: null,
  table: false,
  asked: null,
  explained: {},
  told: "",
  alarms: [],
  note: null,
  view: null,
  moved: false,
  goTo: null,
  jump: null,
  mapless: false,
};

type Listener = (now: State, before: State) => void;

let state = initial;
const listeners = new Set<Listener>();

export function current(): State {
  return state;
}

export function change(part: Partial<State>): void {
  const before = state;
  state = { ...state, ...part };
  for (const listener of listeners) listener(state, before);
}

export function follow(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
