// What is known of one facility: how likely its threshold was exceeded, whether that is to be read with care, by what shaking.
import { ofDrawn } from "../select.ts";
import { chance, unitAfter, value } from "../numbers.ts";
import type { Point, State } from "../state.ts";
import { call, say } from "../words.ts";
import { called } from "./names.ts";

export function Facility({ state, point }: { state: State; point: Point }) {
  const { language } = state;
  const { row, probability, limited } = point;
  return (
    <section class="about facility">
      <h3>{point.name}</h3>
      <p class="muted small">
        {row.kind && call(language, `cell.${row.kind}`, row.kind.replace(/_/g, " "))}
        {row.operator && <span lang="en"> · {row.operator}</span>}
      </p>
      <p class="value">
        {probability === null ? <b class="unknown"><span class="swatch hatch" aria-hidden="true" /> {say(language, "legend.unknown")}</b> : <b>{chance(probability, language)}</b>}
        <small>{say(language, "legend.chance")}</small>
      </p>
      {(limited || probability === null) && (
        <p class="limit">
          <span class="swatch dots" aria-hidden="true" />
          <span><Why state={state} point={point} /></span>
        </p>
      )}
      <Numbers state={state} row={row} />
    </section>
  );
}

/** Why the estimate is limited or absent, as the mask of the shaking says where it does. */
function Why({ state, point: { row, limited } }: { state: State; point: Point }) {
  const { language } = state;
  const code = Number(row.exclusion || Number.NaN);
  const label = ofDrawn(state.reasons, state)?.classes?.find((one) => one.value === code && code !== 0)?.label;
  const first = limited ? say(language, "legend.limited") : call(language, `facility.${row.state}`, row.state ?? "");
  return <><b>{first.charAt(0).toLocaleUpperCase(language) + first.slice(1)}</b> {label && called(state, label)}</>;
}

function Numbers({ state, row }: { state: State; row: Point["row"] }) {
  const { language } = state;
  const said = (name: string) => (row[name] ? value(Number(row[name]), language) : null);
  const unit = unitAfter(row.shaking_units ?? null);
  const [shaking, low, high, threshold] = ["shaking", "shaking_low", "shaking_high", "threshold"].map(said);
  const measure = call(language, `asset.shaking.${row.measure}`, row.measure ?? "");
  return (
    <dl class="facts">
      {shaking && <div><dt>{say(language, "facility.shaking")}</dt><dd>{shaking}{unit} {low && high && `(${low} – ${high}${unit})`} <small>{measure}</small></dd></div>}
      {threshold && <div><dt>{say(language, "facility.threshold")}</dt><dd>{threshold}{unit} <small lang="en">{row.threshold_meaning}</small></dd></div>}
    </dl>
  );
}
