// News by themselves: a stream of events while it holds, polls every `refresh_seconds` in any case.
import { refreshLegend, tell } from "./actions.ts";
import { readAlerts, readItems, stands } from "./reading.ts";
import { status, address, Unanswered } from "./service.ts";
import { change, current } from "./state.ts";
import type { News } from "./wire.ts";
import { call, say } from "./words.ts";

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
      answered: Date.now(),
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
let gathered: ReturnType<typeof setTimeout> | undefined;

function heard(news: News): void {
  const { language } = current();
  const about = { hazard: call(language, `hazard.${news.hazard}`, news.hazard), title: news.title ?? "" };
  if (news.kind === "item") stands(news);
  if (news.kind === "alert") tell(say(language, "news.alert", { headline: news.headline ?? news.title ?? news.id }));
  else if (news.what === "withdrawn") tell(say(language, "news.withdrawn", about));
  // What supersedes it is told of by itself.
  else if (news.what !== "superseded") tell(say(language, "news.item", about));
  waiting.add(news.kind === "alert" ? "" : news.hazard);
  clearTimeout(gathered);
  gathered = setTimeout(() => void gather(), GATHER);
}

async function gather(): Promise<void> {
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
