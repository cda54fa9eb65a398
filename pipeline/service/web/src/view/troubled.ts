// What is not in order, and what therefore is not known.
import type { State } from "../state.ts";
import type { FeedStatus } from "../wire.ts";

/** Return the feeds that should be polled. */
export function scheduled(state: State): FeedStatus[] {
  return (state.status?.feeds ?? []).filter((feed) => feed.state !== "off");
}

/** Return the feeds that are late, fail or were not polled yet; a drill polls only those of its script. */
export function troubled(state: State): FeedStatus[] {
  const inDrill = (state.status?.exercise ?? null) !== null;
  return scheduled(state).filter((feed) => feed.state !== "good" && !(inDrill && feed.state === "never"));
}

/** Whether nothing can be known: no source of data has ever answered. */
export function isBlind(state: State): boolean {
  const feeds = state.status?.feeds ?? [];
  return feeds.length > 0 && feeds.every((feed) => feed.last_good === null && feed.data_time === null);
}

/** Return the hazards of which a layer was made from data older than is promised. */
export function stale(state: State): string[] {
  const late = (state.status?.layers ?? []).filter((layer) => layer.state === "late");
  return [...new Set(late.map((layer) => layer.hazard))];
}
