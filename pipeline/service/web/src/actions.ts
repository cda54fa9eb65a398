// What a reader can do: each changes the state, and asks the service for what is then wanted.
import type { View } from "./address.ts";
import { explain } from "./explained.ts";
import { findItem, findStep } from "./find.ts";
import { boundsOf, contains, flat, union } from "./ground.ts";
import { legend } from "./legend.ts";
import { moment } from "./moments.ts";
import { bearing } from "./bearings.ts";
import { magnitude as magnitudeText } from "./numbers.ts";
import { places } from "./tables.ts";
import { dataTime, type Step, type Subject } from "./products.ts";
import { activeAlerts, assetOf, drawn, hazardOf, shown, stepOf, stepsOf } from "./select.ts";
import { readAlerts, readEarlier, readEarlierAlerts, readItems } from "./reading.ts";
import * as service from "./service.ts";
import { change, current, type Asked, type Sheet, type State, type Tab } from "./state.ts";
import type { Alert, Item } from "./wire.ts";
import { call, say } from "./words.ts";

/** Whose legend is waited for; another's comes too late. */
let legendWanted = "";

export async function chooseHazard(id: string | null, guessed = false): Promise<void> {
  const { hazard, step } = current();
  // An earthquake's shaking, landslides and people are one event: going from one to the other stays with it.
  const keeps = hazardOf(current(), id)?.grid === "event" && hazardOf(current(), hazard)?.grid === "event";
  legendWanted = "";
  change({ hazard: id, guessed, step: keeps ? step : null, playing: false, legend: null, reasons: null, explained: {} });
  const origin = hazardOf(current(), id)?.after ?? null;
  const missing = [id, origin].filter((name): name is string => name !== null && !current().items[name]);
  await Promise.all(missing.map(readItems));
  await refreshLegend();
  askAgain();
}

export function chooseStep(step: Step): void {
  change({ step: step.key });
  const { language } = current();
  const title = step.subjects[0]?.newest.properties.title ?? "";
  tell(`${moment(step.time, language)}. ${title}`);
  void refreshLegend();
  askAgain();
}

export function move(by: number): boolean {
  const all = stepsOf(current());
  const at = all.findIndex((step) => step.key === stepOf(current())?.key);
  const next = all[at + by];
  if (next) chooseStep(next);
  return next !== undefined;
}

/** Go one moment back, beyond what was read so far where there is more. */
export async function moveBack(): Promise<void> {
  const { hazard } = current();
  if (move(-1) || hazard === null) return;
  if (await answered(readEarlier(hazard))) move(-1);
}

/** Show the past alerts before those that were read. */
export async function showEarlierAlerts(): Promise<void> {
  await answered(readEarlierAlerts());
}

/** Whether the service answered; where it did not, the reader is told. */
export async function answered(reading: Promise<void>): Promise<boolean> {
  try {
    await reading;
    return true;
  } catch (error) {
    if (!(error instanceof service.Unanswered)) throw error;
    note(say(current().language, "live.unanswered"));
    return false;
  }
}

export function chooseVersion(subject: Subject, item: Item): void {
  const { [subject.lineage]: _, ...rest } = current().versions;
  change({ versions: item.id === subject.newest.id ? rest : { ...rest, [subject.lineage]: item.id } });
  void refreshLegend();
  askAgain();
}

export function chooseAsset(hazard: string, asset: string): void {
  change({ assets: { ...current().assets, [hazard]: asset } });
  void refreshLegend();
}

export function goToShown(): void {
  const all = union((drawn(current())?.shown ?? shown(current())).map(({ item }) => flat(item.bbox)));
  if (all) change({ goTo: [...all] });
}

export async function refreshLegend(): Promise<void> {
  await refreshPoints(assetOf(current()) === null ? shown(current())[0]?.item : undefined);
  const picture = drawn(current());
  const [item, asset] = [picture?.shown[0]?.item, picture?.asset];
  const wanted = item && asset ? `${item.id} ${asset}` : "";
  legendWanted = wanted;
  if (!item || !asset) {
    change({ legend: null, reasons: null });
    return;
  }
  const [found, why] = await Promise.all([legend(item, asset), legend(item, item.properties["hazmon:answers"].exclusion)]);
  if (wanted === legendWanted && (found !== current().legend || why !== current().reasons)) change({ legend: found, reasons: why });
}

let pointsOf = "";

/** Put the places of a table on the map, where its rows have positions. */
async function refreshPoints(item: Item | undefined): Promise<void> {
  const table = item && item.assets[`${item.properties["hazmon:answers"].estimate}_csv`];
  if (!table) {
    pointsOf = "";
    if (current().points.length > 0) change({ points: [] });
    return;
  }
  if (pointsOf === table.href) return;
  pointsOf = table.href;
  try {
    const found = places(await service.text(table.href));
    if (pointsOf === table.href) change({ points: found });
  } catch (error) {
    if (!(error instanceof service.Unanswered)) throw error;
    pointsOf = "";
  }
}

/** Ask what is known at a place of everything that is shown there. */
export function ask(asked: Asked): void {
  const here = alertsAt(current(), asked);
  change({ asked, explained: {}, sheet: "half", chosenAlert: null, alertText: null });
  if (here.length > 0) tell(say(current().language, "ask.alerts", { count: here.length }));
  askAgain();
}

function askAgain(): void {
  const { asked } = current();
  if (!asked) return;
  for (const { item } of drawn(current())?.shown ?? []) void askOf(item, asked);
}

async function askOf(item: Item, asked: Asked): Promise<void> {
  const put = (answer: State["explained"][string]) => {
    if (current().asked === asked) change({ explained: { ...current().explained, [item.id]: answer } });
  };
  if (current().explained[item.id]) return;
  put("waiting");
  try {
    put(await explain(item, asked));
  } catch (error) {
    if (!(error instanceof service.Unanswered)) throw error;
    put("failed");
  }
}

export function stopAsking(): void {
  change({ asked: null, explained: {} });
}

export function alertsAt(state: State, asked: Asked): Alert[] {
  const shown = state.past ? state.alerts : activeAlerts(state);
  return shown.filter((alert) => contains(alert.geometry, asked.longitude, asked.latitude));
}

/** How much of a phone the panel took before an alert was read on it. */
let sheetBefore: Sheet = current().sheet;

export async function chooseAlert(id: string | null, language = current().language): Promise<void> {
  const known = current().alerts.find((alert) => alert.id === id) ?? null;
  if (id === null) {
    change({ chosenAlert: null, alertText: null, sheet: sheetBefore });
    return;
  }
  if (current().chosenAlert === null) sheetBefore = current().sheet;
  change({ chosenAlert: id, alertText: known, alertUnread: null, asked: null, explained: {}, table: false, sheet: "full" });
  const bounds = boundsOf(known?.geometry ?? null);
  if (bounds) change({ goTo: bounds });
  if (!known || !sameLanguage(known.properties.language, language)) await readAlert(id, language);
}

function sameLanguage(one: string, other: string): boolean {
  return one.split("-")[0] === other.split("-")[0];
}

export async function readAlert(id: string, language: string): Promise<void> {
  try {
    const found = await service.alert(id, language);
    if (current().chosenAlert === id) change({ alertText: found, alertUnread: null });
  } catch (error) {
    if (!(error instanceof service.Unanswered)) throw error;
    if (current().chosenAlert !== id) return;
    if (current().alertText) note(say(current().language, "live.unanswered"));
    else change({ alertUnread: error instanceof service.Missing ? "alert.missing" : "live.unanswered" });
  }
}

/** Show the product that an alert was made from. */
export async function goToProduct(alert: Alert): Promise<void> {
  const { hazard, product } = alert.properties;
  if (!hazard || !product) return;
  await answered(
    (async () => {
      if (!hazardOf(current(), hazard) || !(await goToItem(hazard, product))) note(say(current().language, "alert.noProduct", { product }), true);
    })(),
  );
}

/** Show a product, in whatever version; whether there is one of this name. */
async function goToItem(hazard: string, id: string): Promise<boolean> {
  if (!current().items[hazard]) await readItems(hazard);
  const found = await findItem(hazard, id);
  if (!found) return false;
  if (current().hazard !== hazard) await chooseHazard(hazard);
  // On a phone a full panel would hide the map that was asked for.
  change({ tab: "layers", sheet: current().sheet === "full" ? "half" : current().sheet });
  chooseStep(found.step);
  chooseVersion(found.subject, found.item);
  return true;
}

/** Show what an address names of a layer that is shown; return what of it is not there. */
export async function goToNamed(hazard: string, { step, item, asset }: View): Promise<string[]> {
  const wrong: string[] = [];
  const moment = step === undefined ? null : await findStep(hazard, step);
  if (moment) chooseStep(moment);
  else if (step !== undefined) wrong.push(`step=${step}`);
  const found = item === undefined ? null : await findItem(hazard, item);
  if (found) {
    chooseStep(found.step);
    chooseVersion(found.subject, found.item);
  } else if (item !== undefined) wrong.push(`item=${item}`);
  if (asset !== undefined && assetOf(current()) !== asset && stepOf(current())) wrong.push(`asset=${asset}`);
  return wrong;
}

export async function chooseLanguage(language: string): Promise<void> {
  change({ language });
  document.documentElement.lang = language;
  const { chosenAlert } = current();
  await readAlerts();
  if (chosenAlert) await readAlert(chosenAlert, language);
}

export function chooseTab(tab: Tab): void {
  const { sheet } = current();
  change({ tab, sheet: sheet === "low" ? "half" : sheet });
}

export function tell(told: string): void {
  // The same words again are said again.
  change({ told: current().told === told ? `${told}\u00a0` : told });
}

/** Say something that goes by itself, or stays until it is closed. */
export function note(text: string, stays = false): void {
  change({ note: text });
  if (!stays) setTimeout(() => current().note === text && change({ note: null }), 4000);
}

/** Return what an Item is called in the reader's language. */
export function titleOf(state: State, item: Item): string {
  const hazard = hazardOf(state, item.collection);
  const title = (item.properties.title ?? item.id).replace(/, revision \d+$/, "");
  if (!hazard || state.language === "en") return title;
  const magnitude = item.properties["hazmon:magnitude"];
  if (magnitude !== undefined) return `${say(state.language, "event.quake", { magnitude: magnitudeText(magnitude, state.language) })}, ${bearing(placeOf(title), state.language)}`;
  const name = call(state.language, `hazard.${hazard.layer}`, hazard.title);
  const region = hazard.grid === "region" ? item.properties["hazmon:lineage"].split(":")[1] : undefined;
  if (region === undefined) return `${name}, ${moment(dataTime(item), state.language)}`;
  const called = state.start?.regions.find((one) => one.id === region)?.title ?? region;
  return `${name}: ${call(state.language, `region.${region}`, called)}`;
}

/** Return the place in "M 7.0 earthquake, 128 km WNW of Aykol, China". */
function placeOf(title: string): string {
  return title.split(", ").slice(1).join(", ");
}
