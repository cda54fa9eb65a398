// Feeds and layers that are not in order.
import type { State } from "../state.ts";
import type { FeedStatus } from "../wire.ts";

export function troubled(state: State): FeedStatus[] {
  return (state.status?.feeds ?? []).filter((feed) => feed.state === "late" || feed.state === "failing");
}
