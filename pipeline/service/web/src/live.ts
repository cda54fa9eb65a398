// News by themselves: a stream of events while it holds, polls every `refresh_seconds` in any case.
import { readAlerts, readItems, refreshLegend, tell } from "./actions.ts";
import { status, address, Unanswered } from "./service.ts";
import { change, current } from "./state.ts";
import type { News } from "./wire.ts";
import { call, say } from "./words.ts";

/** Time in which several news become one look, ms. */
const GATHER = 400;

let stream: EventSource | null = null;

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
    if (stream?.readyState !== EventSource.OPEN) await readAll();
    if (!stream || stream.readyState === EventSource.CLOSED) listen();
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    change({ live: "lost" });
  }
}

async function readAll(): Promise<void> {
  await readAlerts();
  const { hazard } = current();
  if (hazard) await readItems(hazard);
  await refreshLegend();
}

function listen(): void {
  stream?.close();
  stream = new EventSource(address("events"));
  stream.addEventListener("open", () => {
    if (current().live === "polling") change({ live: "live" });
    // What happened while nobody listened.
    void readAll().catch(() => change({ live: "lost" }));
  });
  stream.addEventListener("item", (event) => heard(JSON.parse((event as MessageEvent<string>).data) as News));
  stream.addEventListener("alert", (event) => heard(JSON.parse((event as MessageEvent<string>).data) as News));
}

const waiting = new Set<string>();
let gathered: ReturnType<typeof setTimeout> | undefined;

function heard(news: News): void {
  const { language } = current();
  if (news.kind === "alert") tell(say(language, "news.alert", { headline: news.headline ?? news.title ?? news.id }));
  else tell(say(language, "news.item", { hazard: call(language, `hazard.${news.hazard}`, news.hazard), title: news.title ?? "" }));
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
    if (!(error instanceof Unanswered)) throw error;
    change({ live: "lost" });
  }
}
