// Where the page begins: what it needs, the view its address names, the map, the panels, the news.
import "./style/page.css";
import { render } from "preact";
import { answered, ask, chooseAlert, chooseHazard, chooseLanguage, goToNamed, note, refreshLegend } from "./actions.ts";
import { read, write, type Read, type View } from "./address.ts";
import { firstHazard, firstView, isIdle } from "./first.ts";
import { begin as live } from "./live.ts";
import { readAlerts } from "./reading.ts";
import { assetOf, hazardOf, stepOf } from "./select.ts";
import { start, Unanswered } from "./service.ts";
import { change, current, follow, type State } from "./state.ts";
import { App } from "./view/App.tsx";
import { say } from "./words.ts";

/** What an address says where no layer is to be shown. */
const NONE = "none";

const root = document.getElementById("page") as HTMLElement;

let drawing = 0;

function redraw(): void {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => render(<App state={current()} />, root));
}

// The map is the larger part of the page: it is on its way while the service is asked.
const map = import("./map/map.ts");

async function begin(): Promise<void> {
  const { view, wrong } = read(location.hash);
  try {
    const found = await start();
    const language = spoken(view, wrong, found.languages) ?? preferred(found.languages);
    change({ start: found, language });
    document.documentElement.lang = language;
    document.title = found.title;
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    change({ broken: error.message });
    setTimeout(() => void begin(), 5000);
    return;
  }
  // The layer that is asked for is open from the first picture on, so that nothing moves when its contents come.
  change({ broken: null, hazard: hazardOf(current(), view.hazard ?? null)?.id ?? null, ...(view.map ? { view: view.map } : {}), ...(view.tab ? { tab: view.tab } : {}) });
  render(<App state={current()} />, root);
  (await map).begin(document.getElementById("map") as HTMLElement);
  live();
  await open({ view, wrong });
  follow(remember);
  follow(leaveIdle);
  leaveIdle(current());
  addEventListener("hashchange", () => void goTo(read(location.hash)));
}

/** Show the view of an address that was put into the open page. */
async function goTo({ view, wrong }: Read): Promise<void> {
  if (write(view) === written) return;
  if (Object.keys(view).length === 0 && wrong.length === 0) {
    // Nothing of a view, as "#panel": the address says again what is looked at.
    history.replaceState(null, "", written);
    return;
  }
  const language = spoken(view, wrong, current().start?.languages ?? []);
  if (language && language !== current().language) await chooseLanguage(language);
  change({ ...(view.map ? { jump: view.map } : {}), ...(view.tab ? { tab: view.tab } : {}) });
  await open({ view, wrong });
}

/** Return the language of an address as the page speaks it; one that it does not speak is put to what is wrong. */
function spoken({ lang }: View, wrong: string[], offered: string[]): string | undefined {
  const found = offered.find((one) => one === lang) ?? offered.find((one) => one === lang?.split("-")[0]);
  if (lang !== undefined && found === undefined) wrong.push(`lang=${lang}`);
  return found;
}

/** Return the first language of the reader that the page speaks. */
function preferred(offered: string[]): string {
  const wanted = [localStorage.getItem("hazmon.language") ?? "", ...navigator.languages].map((name) => name.split("-")[0]);
  return wanted.find((name): name is string => name !== undefined && offered.includes(name)) ?? offered[0] ?? "en";
}

async function open({ view, wrong }: Read): Promise<void> {
  await readAlerts().catch(() => []);
  const asked = view.hazard === NONE ? null : hazardOf(current(), view.hazard ?? null)?.id;
  const hazard = asked === undefined ? firstHazard(current()) : asked;
  if (view.hazard !== undefined && asked === undefined) wrong.push(`hazard=${view.hazard}`);
  if (view.asset && hazard) change({ assets: { ...current().assets, [hazard]: view.asset } });
  if (view.opacity !== undefined) change({ opacity: view.opacity });
  await chooseHazard(hazard, asked === undefined);
  if (asked) await answered(goToNamed(asked, view).then((names) => void wrong.push(...names)));
  if (wrong.length > 0) note(say(current().language, "address.wrong", { names: wrong.join(", ") }), true);
  if (view.at) ask({ longitude: view.at[0], latitude: view.at[1] });
  if (view.alert) await chooseAlert(view.alert);
  if (view.alert && view.map) change({ goTo: null });
  if (!view.map && !view.alert && !current().moved) change({ goTo: firstView(current(), view) });
  await refreshLegend();
}

let written = "";

/** Keep the address of what is looked at, without filling the reader's history. */
function remember(state: State): void {
  const step = stepOf(state);
  const asset = assetOf(state);
  const chosen = step?.subjects.map((subject) => state.versions[subject.lineage]).find((id) => id !== undefined);
  const hazard = state.hazard ?? (state.guessed ? null : NONE);
  const view: View = {
    lang: state.language,
    tab: state.tab,
    ...(hazard && !isIdle(state) ? { hazard } : {}),
    ...(asset ? { asset } : {}),
    ...(step ? { step: step.key } : {}),
    ...(chosen ? { item: chosen } : {}),
    ...(state.chosenAlert ? { alert: state.chosenAlert } : {}),
    ...(state.view ? { map: state.view } : {}),
    ...(state.asked ? { at: [state.asked.longitude, state.asked.latitude] as [number, number] } : {}),
    ...(state.opacity !== 0.85 ? { opacity: state.opacity } : {}),
  };
  const hash = write(view);
  if (hash === written) return;
  written = hash;
  history.replaceState(null, "", hash);
}

/** Go from a layer that nobody asked for, and that has nothing, to one that has something. */
function leaveIdle(state: State): void {
  const next = isIdle(state) ? firstHazard(state) : state.hazard;
  if (next === state.hazard) return;
  void chooseHazard(next, true).then(() => {
    if (!current().moved) change({ goTo: firstView(current(), {}) });
  });
}

follow(redraw);
follow((now, before) => {
  if (now.language !== before.language) localStorage.setItem("hazmon.language", now.language);
});
void begin();
