// What the colours of the map mean; hatching is unknown, dots are a limit that the exclusion mask names.
import { assetOf, drawn, hazardOf, ofDrawn, shown } from "../select.ts";
import { change, type State } from "../state.ts";
import type { Entry, Legend } from "../legend.ts";
import { locale } from "../moments.ts";
import { standing } from "../products.ts";
import { call, say } from "../words.ts";
import { CHANCES } from "../chances.ts";
import { ROMAN, unit, value } from "../numbers.ts";
import { Down } from "./icons.tsx";
import { assetTitle, className } from "./names.ts";

export function LegendCard({ state }: { state: State }) {
  const { language } = state;
  const legend = ofDrawn(state.legend, state);
  const hazard = hazardOf(state);
  const one = shown(state)[0];
  if (!hazard || !one) return null;
  const asset = assetOf(state);
  const picture = drawn(state);
  const how = standing(one.subject, one.item);
  return (
    <section class={`legend card ${state.legendOpen ? "open" : ""}`} aria-label={say(language, "legend")}>
      <button
        type="button"
        class="legend-head"
        aria-expanded={state.legendOpen}
        onClick={() => change({ legendOpen: !state.legendOpen })}
      >
        <span>
          <b>{call(language, `hazard.${hazard.layer}`, hazard.title)}</b>
          {asset !== null && <small>{assetTitle(state, hazard, asset)}</small>}
        </span>
        <Down />
      </button>
      {how !== "current" && <p class={`standing ${how}`}>{say(language, `standing.${how}`)}</p>}
      {state.legendOpen && asset === null && (state.points.length > 0 ? <Chances state={state} /> : <p class="muted">{say(language, "layer.table")}</p>)}
      {state.legendOpen && picture?.isBackground && (
        <p class="behind">
          <b>{say(language, "legend.behind", { hazard: call(language, `hazard.${picture.hazard.layer}`, picture.hazard.title) })}</b>
        </p>
      )}
      {state.legendOpen && legend !== null && picture?.asset === legend.asset && <Key state={state} legend={legend} />}
    </section>
  );
}

function Key({ state, legend }: { state: State; legend: Legend }) {
  const { language } = state;
  const reasons = ofDrawn(state.reasons, state);
  const limits = state.exclusion && reasons !== null && reasons.asset !== legend.asset;
  return (
    <div class="key">
      {legend.kind === "classes" ? (
        <Classes entries={legend.classes ?? []} name={(entry) => className(state, entry)} />
      ) : (
        <Ramp state={state} legend={legend} />
      )}
      <ul class="classes">
        <li>
          <span class="swatch hatch" aria-hidden="true" />
          {say(language, "legend.unknown")}
        </li>
        {limits && (
          <li>
            <span class="swatch dots" aria-hidden="true" />
            {say(language, "legend.limited")}
          </li>
        )}
        <li>
          <span class="swatch edge" aria-hidden="true" />
          {say(language, "legend.edge")}
        </li>
      </ul>
    </div>
  );
}

/** What the colours of places mean: how likely each is affected. */
function Chances({ state }: { state: State }) {
  const { language } = state;
  const percent = new Intl.NumberFormat(locale(language), { style: "percent" });
  const limited = state.points.some((point) => point.limited);
  return (
    <div class="key">
      <p class="unit">{say(language, "legend.chance")}</p>
      <ul class="classes">
        {CHANCES.map(([from, to, colour]) => (
          <li key={from}>
            <svg class="place" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6.5" fill={colour} /></svg>
            {percent.format(from)} – {percent.format(to)}
          </li>
        ))}
        <li>
          <svg class="place" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6.5" fill="#ffffff" /></svg>
          {say(language, "legend.unknown")}
        </li>
        {limited && (
          <li>
            <svg class="place" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6.5" fill={CHANCES[1][2]} /><circle cx="8" cy="8" r="2.6" fill="#ffffff" stroke-width="1" /></svg>
            {say(language, "legend.limited")}
          </li>
        )}
      </ul>
    </div>
  );
}

function Classes({ entries, name }: { entries: Entry[]; name: (entry: Entry) => string }) {
  return (
    <ul class="classes">
      {entries.map((entry) => (
        <li key={entry.value}>
          <svg class="swatch" viewBox="0 0 16 12" aria-hidden="true"><rect width="16" height="12" fill={entry.colour} /></svg>
          {name(entry)}
        </li>
      ))}
    </ul>
  );
}

/** What some intensities are called. Worden et al. (2012), as ShakeMap writes it below its maps. */
const FELT = [[3, "mmi.weak"], [6, "mmi.strong"], [9, "mmi.violent"]] as const;

function Ramp({ state, legend }: { state: State; legend: Legend }) {
  const { language } = state;
  const [least, greatest] = legend.range ?? [0, 1];
  const colours = legend.colours ?? [];
  const step = Math.max(1, Math.floor(colours.length / 64));
  const bars = colours.filter((_, index) => index % step === 0);
  const share = (at: number) => ((at - least) / (greatest - least || 1)) * 100;
  const intensity = legend.asset === "mmi";
  const said = intensity ? say(language, "unit.mmi") : unit(legend.unit);
  const marks = (intensity ? legend.stops ?? [] : even(least, greatest)).filter((at) => {
    const position = share(typeof at === "number" ? at : at.value);
    return position >= -0.01 && position <= 100.01;
  });
  return (
    <div class="ramp">
      <div class="colours" aria-hidden="true" style={{ backgroundImage: `linear-gradient(to right, ${bars.join(", ")})` }} />
      <ol>
        {marks.map((mark) => {
          const at = typeof mark === "number" ? mark : mark.value;
          return (
            <li key={at} style={{ left: `${share(at)}%` }}>
              {intensity ? (ROMAN[Math.round(at)] ?? at) : value(at, language)}
            </li>
          );
        })}
      </ol>
      {said !== "" && <p class="unit">{said}</p>}
      {intensity && <p class="words">{FELT.map(([at, key]) => <span key={key} style={{ left: `${share(at)}%` }}>{say(language, key)}</span>)}</p>}
    </div>
  );
}

function even(least: number, greatest: number): number[] {
  return [0, 0.25, 0.5, 0.75, 1].map((share) => least + share * (greatest - least));
}
