// Where the page begins: what it needs, the view its address names, the map, the panels, the news.
import "./style/page.css";
import { render } from "preact";
import { chooseAlert, chooseHazard, chooseLanguage, chooseStep, chooseVersion, refreshLegend, ask } from "./actions.ts";
import { read, write, type View } from "./address.ts";
import { firstHazard, firstView } from "./first.ts";
import { begin as live } from "./live.ts";
import { readAlerts } from "./reading.ts";
import { assetOf, hazardOf, stepOf, stepsOf } from "./select.ts";
import { start, Unanswered } from "./service.ts";
import { change, current, follow, type State, type Tab } from "./state.ts";
import { App } from "./view/App.tsx";

const root = document.getElementById("page") as HTMLElement;

let drawing = 0;

function redraw(): void {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => render(<App state={current()} />, root));
}

// The map is the larger part of the page: it is on its way while the service is asked.
const map = import("./map/map.ts");

async function begin(): Promise<void> {
  const view = read(location.hash);
  try {
    const found = await start();
    const language = view.lang ?? preferred(found.languages);
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
  change({ broken: null, hazard: hazardOf(current(), view.hazard ?? null)?.id ?? null, ...(view.map ? { view: view.map } : {}), ...(view.tab ? { tab: view.tab as Tab } : {}) });
  render(<App state={current()} />, root);
  (await map).begin(document.getElementById("map") as HTMLElement);
  live();
  await open(view);
  follow(remember);
  addEventListener("hashchange", () => void goTo(read(location.hash)));
}

/** Show the view of an address that was put into the open page. */
async function goTo(view: View): Promise<void> {
  if (write(view) === written) return;
  if (view.lang && view.lang !== current().language) await chooseLanguage(view.lang);
  change({ ...(view.map ? { jump: view.map } : {}), ...(view.tab ? { tab: view.tab as Tab } : {}) });
  await open(view);
}

/** Return the first language of the reader that the page speaks. */
function preferred(offered: string[]): string {
  const wanted = [localStorage.getItem("hazmon.language") ?? "", ...navigator.languages].map((name) => name.split("-")[0]);
  return wanted.find((name): name is string => name !== undefined && offered.includes(name)) ?? offered[0] ?? "en";
}

async function open(view: View): Promise<void> {
  await readAlerts().catch(() => []);
  const hazard = hazardOf(current(), view.hazard ?? null)?.id ?? firstHazard(current());
  if (view.asset && hazard) change({ assets: { ...current().assets, [hazard]: view.asset } });
  if (view.opacity !== undefined) change({ opacity: view.opacity });
  await chooseHazard(hazard);
  const step = stepsOf(current()).find((one) => one.key === view.step);
  if (step) chooseStep(step);
  const subject = stepOf(current())?.subjects.find((one) => one.versions.some((item) => item.id === view.item));
  const item = subject?.versions.find((version) => version.id === view.item);
  if (subject && item) chooseVersion(subject, item);
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
  const view: View = {
    lang: state.language,
    tab: state.tab,
    ...(state.hazard ? { hazard: state.hazard } : {}),
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

follow(redraw);
follow((now, before) => {
  if (now.language !== before.language) localStorage.setItem("hazmon.language", now.language);
});
void begin();
