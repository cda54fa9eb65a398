// News by themselves: a stream of events while it holds, polls every `refresh_seconds` in any case.
import { refreshLegend, tell } from "./actions.ts";
import { readAlerts, readItems, stands } from "./reading.ts";
import { status, address, Unanswered } from "./service.ts";
import { change, current, type Alarm } from "./state.ts";
import type { News } from "./wire.ts";
import { hazardTitle } from "./view/names.ts";
import { say } from "./words.ts";

/** Time in which several news become one look, ms. */
const GATHER = 400;

let stream: EventSource | null = null;

/** Something that may have changed was asked for in vain. */
let missed = false;

export function begin(): void {
  listen();
  const every = () => (current().start?.refresh_seconds ?? 15) * 1000;
  const again = async () => {
    await look();
    setTimeout(again, every());
  };
  void again();
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void look();
  });
}

/** Ask how things stand; where the stream is down, ask for everything that may have changed. */
async function look(): Promise<void> {
  try {
    const found = await status();
    change({
      status: found,
      answered: Date.parse(found.at),
      offset: Date.parse(found.at) - Date.now(),
      frozen: found.clock === "exercise" ? found.at : null,
      live: stream?.readyState === EventSource.OPEN ? "live" : "polling",
    });
    if (missed || Object.keys(current().unread).length > 0 || stream?.readyState !== EventSource.OPEN) await readAll();
    if (!stream || stream.readyState === EventSource.CLOSED) listen();
  } catch (error) {
    lost(error);
  }
}

function lost(error: unknown): void {
  if (!(error instanceof Unanswered)) throw error;
  missed = true;
  change({ live: "lost" });
}

/** Read everything in hand again, also what is not looked at now. */
async function readAll(): Promise<void> {
  missed = false;
  await readAlerts();
  await Promise.all(Object.keys({ ...current().items, ...current().unread }).map(readItems));
  await refreshLegend();
}

function listen(): void {
  stream?.close();
  stream = new EventSource(address("events"));
  stream.addEventListener("open", () => {
    if (current().live === "polling") change({ live: "live" });
    // What happened while nobody listened.
    void readAll().catch(lost);
  });
  stream.addEventListener("item", (event) => heard(JSON.parse((event as MessageEvent<string>).data) as News));
  stream.addEventListener("alert", (event) => heard(JSON.parse((event as MessageEvent<string>).data) as News));
}

const waiting = new Set<string>();
/** News of products that were not said aloud yet. */
let unsaid: News[] = [];
let gathered: ReturnType<typeof setTimeout> | undefined;

function heard(told: News): void {
  const news = { ...told, what: told.standing ?? told.what };
  if (news.kind === "alert") alarm({ id: news.id, text: say(current().language, "news.alert", { headline: news.headline ?? news.title ?? news.id }) });
  else {
    stands(news);
    unsaid.push(news);
  }
  waiting.add(news.kind === "alert" ? "" : news.hazard);
  clearTimeout(gathered);
  gathered = setTimeout(() => void gather(), GATHER);
}

/** Alarms kept: enough that none is taken away before it was said. */
const ALARMS = 20;

/** Say an alert aloud, whatever else is said, and once. */
function alarm(one: Alarm): void {
  const { alarms } = current();
  if (!alarms.some(({ id }) => id === one.id)) change({ alarms: [...alarms, one].slice(-ALARMS) });
}

/** Say what came together at once, so that one product does not cut another short. */
function sayProducts(): void {
  const state = current();
  const { language } = state;
  const about = ({ hazard, title = "" }: News) => ({ hazard: hazardTitle(state, hazard), title });
  // What supersedes a product is told of by itself.
  const [fresh, gone] = (["published", "withdrawn"] as const).map((what) => unsaid.filter((news) => news.what === what));
  unsaid = [];
  const said = (gone as News[]).map((news) => say(language, "news.withdrawn", about(news)));
  const [first, ...more] = fresh as News[];
  if (first && more.length === 0) said.push(say(language, "news.item", about(first)));
  else if (first) {
    const layers = [...new Set((fresh as News[]).map((news) => hazardTitle(state, news.hazard)))].join(", ");
    said.push(say(language, "news.items", { count: more.length + 1, layers }));
  }
  if (said.length > 0) tell(said.join(" "));
}

async function gather(): Promise<void> {
  sayProducts();
  const names = [...waiting];
  waiting.clear();
  try {
    if (names.includes("")) await readAlerts();
    for (const hazard of names) if (hazard && current().items[hazard]) await readItems(hazard);
    await refreshLegend();
  } catch (error) {
    lost(error);
  }
}
