// The layers by hazard: which is on the map, which of its answers, which version, how strong.
import { useEffect } from "preact/hooks";
import { chooseAsset, chooseHazard, chooseStep, chooseVersion, goToShown, titleOf } from "../actions.ts";
import { ago, moment, local } from "../moments.ts";
import { magnitude } from "../numbers.ts";
import { assetNames, standing, type Step, type Subject } from "../products.ts";
import { assetOf, hazardOf, now, shown, stepOf, stepsOf } from "../select.ts";
import { change, type State } from "../state.ts";
import type { Item, StartHazard } from "../wire.ts";
import { call, say } from "../words.ts";
import { HazardSign, StateSign, Target } from "./icons.tsx";
import { assetTitle, called } from "./names.ts";
import { Tables } from "./Tables.tsx";

export function Layers({ state }: { state: State }) {
  const { language, start } = state;
  // On a phone the open layer may lie below the edge of the sheet.
  useEffect(() => document.querySelector(".hazard.open > h3")?.scrollIntoView({ block: "nearest" }), []);
  return (
    <div class="layers">
      <h2 class="unseen">{say(language, "tab.layers")}</h2>
      <ul class="plain">
        {chains(start?.hazards ?? []).map(([head, ...rest]) => (
          <li key={head.id} class="chain">
            <HazardRow state={state} hazard={head} />
            {rest.map((hazard) => <HazardRow key={hazard.id} state={state} hazard={hazard} />)}
          </li>
        ))}
      </ul>
      <button type="button" class="row-button none" aria-pressed={state.hazard === null} onClick={() => void chooseHazard(null)}>
        {say(language, "layer.nothing")}
      </button>
    </div>
  );
}

/** Put each hazard before those whose products are made from its own. */
function chains(hazards: StartHazard[]): [StartHazard, ...StartHazard[]][] {
  const heads = hazards.filter((hazard) => hazard.after === null);
  const found = heads.map((head): [StartHazard, ...StartHazard[]] => [head, ...hazards.filter((hazard) => hazard.after === head.id)]);
  return found.sort((one, other) => other.length - one.length);
}

function HazardRow({ state, hazard }: { state: State; hazard: StartHazard }) {
  const { language } = state;
  const open = state.hazard === hazard.id;
  return (
    <div class={`hazard ${open ? "open" : ""} ${hazard.after !== null ? "after" : ""}`}>
      <h3>
        <button type="button" class="row-button" aria-expanded={open} aria-controls={`layer-${hazard.id}`} onClick={() => void chooseHazard(hazard.id).then(goToShown)}>
          <HazardSign layer={hazard.layer} />
          <span class="grow">
            <b>{call(language, `hazard.${hazard.layer}`, hazard.title)}</b>
            <LayerAge state={state} hazard={hazard} />
          </span>
        </button>
      </h3>
      {open && <div class="inside" id={`layer-${hazard.id}`}><Inside state={state} hazard={hazard} /></div>}
    </div>
  );
}

/** How old the newest data of a hazard are in whichever region; late where any region is. */
function LayerAge({ state, hazard }: { state: State; hazard: StartHazard }) {
  const { language } = state;
  const layers = (state.status?.layers ?? []).filter((one) => one.hazard === hazard.id);
  const newest = layers.map((one) => one.data_time ?? "").sort().at(-1);
  if (!newest) return <small>{newest !== undefined && say(language, "layer.none")}</small>;
  return (
    <small>
      {layers.some((one) => one.state === "late") && <StateSign state="late" />}
      {say(language, "layer.age", { age: ago(newest, now(state), language) })}
    </small>
  );
}

function Inside({ state, hazard }: { state: State; hazard: StartHazard }) {
  const { language } = state;
  const step = stepOf(state);
  if (state.unread[hazard.id] && !state.items[hazard.id]) return <p class="muted">{say(language, "layer.unread")}</p>;
  if (!state.items[hazard.id]) return <p class="muted" aria-busy="true">{say(language, "layer.loading")}</p>;
  if (!step) return <p class="muted">{say(language, "layer.none")}</p>;
  const item = shown(state)[0]?.item as Item;
  const raster = assetNames(item).length > 0;
  return (
    <>
      {hazard.grid !== "region" && <Moments state={state} />}
      {raster && <Answers state={state} hazard={hazard} item={item} />}
      {raster && <Strength state={state} />}
      {step.subjects.map((subject) => <Versions key={subject.lineage} state={state} subject={subject} many={step.subjects.length > 1} />)}
      {raster && <Reasons state={state} />}
      <Tables state={state} item={item} />
    </>
  );
}

/** The events or scenes: the list that says what the slider's stops are. */
function Moments({ state }: { state: State }) {
  const { language } = state;
  const all = stepsOf(state);
  const at = stepOf(state);
  const hazard = hazardOf(state);
  if (!hazard) return null;
  return (
    <fieldset class="choices">
      <legend>{say(language, hazard.grid === "event" ? "layer.events" : "layer.scenes")}</legend>
      {[...all].reverse().map((step) => (
        <label key={step.key} class={`choice ${withdrawn(step) ? "withdrawn" : ""}`}>
          <input type="radio" name="moment" checked={step.key === at?.key} onChange={() => { chooseStep(step); goToShown(); }} />
          <span>
            <b>{titleOf(state, (step.subjects[0] as Subject).newest)}</b>
            <small>
              {hazard.grid === "event" && <time dateTime={step.time} title={local(step.time, language)}>{moment(step.time, language)}</time>}
              {withdrawn(step) && <span class="standing withdrawn">{say(language, "standing.withdrawn")}</span>}
            </small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function withdrawn(step: Step): boolean {
  return step.subjects.every((subject) => subject.withdrawn);
}

const ROLES = ["estimate", "uncertainty", "exclusion"] as const;

function Answers({ state, hazard, item }: { state: State; hazard: StartHazard; item: Item }) {
  const { language } = state;
  const asset = assetOf(state);
  const answers = item.properties["hazmon:answers"];
  const names = assetNames(item);
  const main = ROLES.filter((role) => names.includes(answers[role]));
  const rest = names.filter((name) => !Object.values(answers).includes(name));
  return (
    <fieldset class="choices">
      <legend>{say(language, "layer.shows")}</legend>
      {main.map((role) => (
        <label key={role} class="choice">
          <input type="radio" name="asset" checked={asset === answers[role]} onChange={() => chooseAsset(hazard.id, answers[role])} />
          <span><b>{say(language, `role.${role}`)}</b><small>{assetTitle(state, hazard, answers[role])}</small></span>
        </label>
      ))}
      {rest.length > 0 && (
        <label class="more">
          <span>{say(language, "layer.more")}</span>
          <select value={rest.includes(asset ?? "") ? (asset ?? "") : ""} onChange={(event) => event.currentTarget.value && chooseAsset(hazard.id, event.currentTarget.value)}>
            <option value="">–</option>
            {rest.map((name) => <option key={name} value={name}>{assetTitle(state, hazard, name)}</option>)}
          </select>
        </label>
      )}
    </fieldset>
  );
}

function Strength({ state }: { state: State }) {
  const { language } = state;
  return (
    <div class="strength">
      <label>
        <span>{say(language, "layer.opacity")}</span>
        <input
          type="range"
          min={0}
          max={100}
          step={5}
          value={Math.round(state.opacity * 100)}
          onInput={(event) => change({ opacity: Number(event.currentTarget.value) / 100 })}
        />
        <output>{Math.round(state.opacity * 100)} %</output>
      </label>
      <label class="tick">
        <input type="checkbox" checked={state.exclusion} onChange={(event) => change({ exclusion: event.currentTarget.checked })} />
        <span>{say(language, "layer.limits")}</span>
      </label>
      <button type="button" class="link" onClick={goToShown}><Target /> {say(language, "layer.goTo")}</button>
    </div>
  );
}

/** The versions of one subject: which stands, which were superseded, whether it was withdrawn. */
function Versions({ state, subject, many }: { state: State; subject: Subject; many: boolean }) {
  const { language } = state;
  const chosen = shown(state).find((one) => one.subject.lineage === subject.lineage)?.item;
  const count = subject.versions.length;
  const place = subject.versions.findIndex((item) => item.id === chosen?.id) + 1;
  const gone = subject.newest.properties["hazmon:withdrawn"];
  return (
    <fieldset class="choices versions">
      <legend>
        {many ? titleOf(state, subject.newest) : say(language, "versions")}
        <span class="of">{say(language, "versions.of", { at: place, all: count })}</span>
      </legend>
      {gone && (
        <p class="standing withdrawn block">
          {say(language, "versions.withdrawn", { time: moment(gone.at, language) })}
          <small lang="en">{gone.reason}</small>
        </p>
      )}
      {[...subject.versions].reverse().map((item, index) => {
        const how = standing(subject, item);
        return (
          <label key={item.id} class={`choice ${how}`}>
            <input type="radio" name={`version ${subject.lineage}`} checked={item.id === chosen?.id} onChange={() => chooseVersion(subject, item)} />
            <span>
              <b>{say(language, "versions.one", { number: count - index })}</b> <span class={`standing ${how}`}>{say(language, `standing.${how}`)}</span>
              <small>{versionText(state, item)}</small>
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}

/** Some sources count their revisions; others are dated, and their number says nothing to a reader. */
const COUNTED = 1000;

function versionText(state: State, item: Item): string {
  const { language } = state;
  const { created, "hazmon:magnitude": strength, "hazmon:revision": revision, "hazmon:received": received } = item.properties;
  // What is made from another product was received with that one.
  const isFirst = hazardOf(state, item.collection)?.after === null;
  return [
    strength === undefined ? "" : `M ${magnitude(strength, language)}`,
    revision > 0 && revision < COUNTED ? say(language, "versions.revision", { number: revision }) : "",
    isFirst && received ? say(language, "ask.received", { time: moment(received, language) }) : "",
    say(language, "versions.made", { time: moment(created, language) }),
  ].filter((part) => part !== "").join(" · ");
}

/** What the dots mean: why the method is limited or cannot know, by the codes of the mask. */
function Reasons({ state }: { state: State }) {
  const { language, reasons } = state;
  if (!reasons?.classes) return null;
  return (
    <details class="reasons">
      <summary>{say(language, "legend.reasons")}</summary>
      <ul class="classes">
        {reasons.classes.map((entry) => (
          <li key={entry.value}>
            <svg class="swatch" viewBox="0 0 16 12" aria-hidden="true"><rect width="16" height="12" fill={entry.colour} /></svg>
            {called(state, entry.label ?? String(entry.value))}
          </li>
        ))}
      </ul>
    </details>
  );
}

