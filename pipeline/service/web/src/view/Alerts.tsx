// The alerts as a list: the same as the polygons on the map, for those who read instead of look.
import { chooseAlert, chooseTab, showEarlierAlerts } from "../actions.ts";
import { ago, local, moment } from "../moments.ts";
import { activeAlerts, now } from "../select.ts";
import { change, type State } from "../state.ts";
import type { Alert, Severity } from "../wire.ts";
import { call, say } from "../words.ts";
import { SeveritySign, Sheet, StateSign } from "./icons.tsx";
import { hazardTitle } from "./names.ts";
import { isBlind, scheduled, stale, troubled } from "./troubled.ts";

export const ORDER: Severity[] = ["Extreme", "Severe", "Moderate", "Minor", "Unknown"];

export function ranked(alerts: Alert[]): Alert[] {
  return [...alerts].sort(
    (one, other) =>
      ORDER.indexOf(one.properties.severity) - ORDER.indexOf(other.properties.severity) ||
      (one.properties.sent < other.properties.sent ? 1 : -1),
  );
}

export function Alerts({ state }: { state: State }) {
  const { language } = state;
  const active = ranked(activeAlerts(state));
  const past = state.alerts.filter((alert) => !alert.properties.active);
  return (
    <div class="alerts">
      <div class="bar">
        <h2>{say(language, "alerts.active")}</h2>
        <button type="button" class="link" onClick={() => change({ table: true })}><Sheet /> {say(language, "alerts.table")}</button>
      </div>
      {!state.alertsRead && <p class="muted" aria-busy="true">{say(language, "layer.loading")}</p>}
      <ul class="plain">{active.map((alert) => <Card key={alert.id} state={state} alert={alert} />)}</ul>
      <Calm state={state} />
      {past.length > 0 && (
        <details class="past" open={state.past} onToggle={(event) => change({ past: event.currentTarget.open })}>
          <summary>{say(language, "alerts.past", { count: Math.max(state.pastCount, past.length) })}</summary>
          {state.past && <ul class="plain">{past.map((alert) => <Card key={alert.id} state={state} alert={alert} />)}</ul>}
          <EarlierAlerts state={state} />
        </details>
      )}
    </div>
  );
}

/** That no alert is active, and why there may be more to warn of than alerts tell. */
export function Calm({ state }: { state: State }) {
  if (!state.alertsRead) return null;
  if (activeAlerts(state).length > 0) return <Doubt state={state} />;
  return <div class="calm"><p>{say(state.language, "alerts.none")}</p><Doubt state={state} /></div>;
}

function Doubt({ state }: { state: State }) {
  const { language } = state;
  const [count, layers] = [troubled(state).length, stale(state)];
  if (!isBlind(state) && count === 0 && layers.length === 0) return null;
  return (
    <div class="doubt">
      <StateSign state="late" />
      <div>
        {isBlind(state) && <p>{say(language, "alerts.unknown")}</p>}
        {!isBlind(state) && count > 0 && <p>{say(language, "alerts.doubt", { count, all: scheduled(state).length })}</p>}
        {layers.length > 0 && <p>{say(language, "alerts.stale", { layers: layers.map((id) => hazardTitle(state, id)).join(", ") })}</p>}
        <button type="button" class="link" onClick={() => { change({ table: false }); chooseTab("status"); }}>{say(language, "alerts.sources")}</button>
      </div>
    </div>
  );
}

function Card({ state, alert }: { state: State; alert: Alert }) {
  const { language } = state;
  const { severity, headline, event, sent, areaDesc, active, language: written } = alert.properties;
  return (
    <li>
      <button type="button" class={`alert-card ${severity.toLowerCase()} ${active ? "" : "over"}`} onClick={() => void chooseAlert(alert.id)}>
        <span class="line">
          <SeveritySign severity={severity} />
          <b>{say(language, `severity.${severity}`)}</b>
          <StatusChip state={state} alert={alert} />
          <time dateTime={sent} title={`${moment(sent, language)} · ${local(sent, language)}`}>{ago(sent, now(state), language)}</time>
        </span>
        <span class="headline" lang={written}>{headline ?? event}</span>
        {areaDesc && <span class="area" lang={written}>{areaDesc}</span>}
        {!active && <span class="muted small">{whyOver(state, alert)}</span>}
      </button>
    </li>
  );
}

/** Past alerts beyond those read. */
export function EarlierAlerts({ state }: { state: State }) {
  if (!state.past || state.earlierAlerts === null) return null;
  return <button type="button" class="link" onClick={() => void showEarlierAlerts()}>{say(state.language, "alerts.earlier")}</button>;
}

/** Whether this is in earnest. */
export function StatusChip({ state, alert }: { state: State; alert: Alert }) {
  const { status } = alert.properties;
  return <span class={`chip status-${status.toLowerCase()}`}>{call(state.language, `status.${status}`, status)}</span>;
}

export function whyOver(state: State, { properties }: Alert): string {
  const { language } = state;
  if (properties.superseded_by) return say(language, "alerts.superseded");
  if (properties.msgType === "Cancel") return say(language, "alerts.cancelled");
  if (properties.expires) return say(language, "alerts.expired", { time: moment(properties.expires, language) });
  return say(language, "alerts.over");
}
