// Items and alerts read from the service, again and again: nothing in hand is kept unread while other things are read anew.
import { dataTime, unsettled } from "./products.ts";
import { stepOf } from "./select.ts";
import * as service from "./service.ts";
import { change, current } from "./state.ts";
import type { Alert, Item, News } from "./wire.ts";

/** How many batches of a hazard's Items, and of past alerts, a reader went back. */
const depths = new Map<string, number>();

const turns = new Map<string, Promise<unknown>>();

/** One reading of the same thing after another, so that no answer is overtaken by an older one. */
function inTurn<Answer>(what: string, read: () => Promise<Answer>): Promise<Answer> {
  const turn = (turns.get(what) ?? Promise.resolve()).then(read);
  turns.set(what, turn.catch(() => undefined));
  return turn;
}

/** Read a hazard's Items as far back as they were read before. */
export function readItems(hazard: string): Promise<void> {
  return inTurn(hazard, async () => {
    try {
      const found = await newest(hazard);
      const { items, earlier, unread } = current();
      const { [hazard]: _, ...rest } = unread;
      if (!same(items[hazard], found.items)) change({ items: { ...items, [hazard]: found.items } });
      change({ unread: rest, earlier: { ...earlier, [hazard]: found.earlier } });
    } catch (error) {
      if (!(error instanceof service.Unanswered)) throw error;
      change({ unread: { ...current().unread, [hazard]: error.message } });
    }
  });
}

async function newest(hazard: string): Promise<service.Batch> {
  let { items, earlier } = await service.items(hazard);
  for (let depth = 1; earlier !== null && (depth < (depths.get(hazard) ?? 1) || !reaches(items, hazard)); depth++) {
    const next = await service.batch(earlier);
    items = [...items, ...next.items];
    earlier = next.earlier;
  }
  return { items: await settled(hazard, items), earlier };
}

/** Whether Items go back beyond what is looked at, which must not leave the map because others came. */
function reaches(items: Item[], hazard: string): boolean {
  const looked = current().hazard === hazard ? stepOf(current()) : undefined;
  const last = items.at(-1);
  return !looked || !last || dataTime(last) < looked.time;
}

/** Return Items with the versions that stand instead of those that do not: a batch may end between the two. */
async function settled(hazard: string, items: Item[]): Promise<Item[]> {
  const missing = unsettled(items);
  if (missing.length === 0) return items;
  const known = new Set(items.map((item) => item.id));
  const versions = await service.versions(hazard, missing);
  return [...items, ...versions.filter((item) => !known.has(item.id))];
}

/** Read the Items before those that were read. */
export function readEarlier(hazard: string): Promise<void> {
  return inTurn(hazard, async () => {
    const path = current().earlier[hazard];
    if (!path) return;
    const found = await service.batch(path);
    const { items, earlier } = current();
    const put = await settled(hazard, joined(items[hazard] ?? [], found.items));
    depths.set(hazard, (depths.get(hazard) ?? 1) + 1);
    change({ items: { ...items, [hazard]: put }, earlier: { ...earlier, [hazard]: found.earlier } });
  });
}

/** Read the Items of one lineage, and all those after it, so that no moment between is passed over. */
export function readBackTo(hazard: string, lineage: string): Promise<void> {
  return inTurn(hazard, async () => {
    const versions = await service.versions(hazard, [lineage]);
    const oldest = versions.map(dataTime).sort()[0];
    if (oldest === undefined) return;
    let [all, path, depth] = [current().items[hazard] ?? [], current().earlier[hazard] ?? null, depths.get(hazard) ?? 1];
    for (let last: Item | undefined; path !== null && (!last || dataTime(last) >= oldest); depth++) {
      const next: service.Batch = await service.batch(path);
      [all, path, last] = [joined(all, next.items), next.earlier, next.items.at(-1)];
    }
    const put = await settled(hazard, joined(all, versions));
    depths.set(hazard, depth);
    const { items, earlier } = current();
    change({ items: { ...items, [hazard]: put }, earlier: { ...earlier, [hazard]: path } });
  });
}

function joined(some: Item[], more: Item[]): Item[] {
  const known = new Set(more.map((item) => item.id));
  return [...some.filter((item) => !known.has(item.id)), ...more];
}

/** Return whether the same Items came again, so that nothing is drawn anew. */
function same(before: Item[] | undefined, after: Item[]): boolean {
  const mark = ({ id, properties }: Item) => `${id} ${properties.updated} ${properties.deprecated}`;
  return before !== undefined && before.map(mark).join() === after.map(mark).join();
}

/** Let an Item stand as news say that it does, before it is read again. */
export function stands({ hazard, id, what, at }: News): void {
  const { items } = current();
  const found = items[hazard];
  if (what === "published" || !found?.some((item) => item.id === id)) return;
  const gone = what === "withdrawn" ? { "hazmon:withdrawn": { at, reason: "" } } : {};
  const told = (item: Item) => (item.id === id ? { ...item, properties: { ...gone, ...item.properties, deprecated: true } } : item);
  change({ items: { ...items, [hazard]: found.map(told) } });
}

const PAST = "past alerts";

/** Read all active alerts, and past ones as far back as they were read before. */
export function readAlerts(): Promise<Alert[]> {
  return inTurn(PAST, async () => {
    const { language } = current();
    const active = await service.activeAlerts(language);
    const past = await service.pastAlerts(language);
    let { alerts, earlier } = past;
    for (let depth = 1; earlier !== null && depth < (depths.get(PAST) ?? 1); depth++) {
      const next = await service.alertBatch(earlier);
      alerts = [...alerts, ...next.alerts];
      earlier = next.earlier;
    }
    put(active, alerts, earlier, past.count);
    return current().alerts;
  });
}

function put(active: Alert[], past: Alert[], earlier: string | null, count: number): void {
  // An alert may end between the two answers: the later one is right.
  const over = new Set(past.map((alert) => alert.id));
  const found = [...active.filter((alert) => !over.has(alert.id)), ...past];
  const mark = ({ id, properties: told }: Alert) => `${id} ${told.active} ${told.superseded_by} ${told.language}`;
  const { alerts, alertsRead } = current();
  if (!alertsRead || alerts.map(mark).join() !== found.map(mark).join()) change({ alerts: found, alertsRead: true });
  change({ earlierAlerts: earlier, pastCount: count });
}

/** Read the past alerts before those that were read. */
export function readEarlierAlerts(): Promise<void> {
  return inTurn(PAST, async () => {
    const { earlierAlerts: path } = current();
    if (!path) return;
    const found = await service.alertBatch(path);
    depths.set(PAST, (depths.get(PAST) ?? 1) + 1);
    const known = new Set(current().alerts.map((alert) => alert.id));
    change({ alerts: [...current().alerts, ...found.alerts.filter((alert) => !known.has(alert.id))], earlierAlerts: found.earlier });
  });
}
