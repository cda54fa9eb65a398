// One alert in full, in the language that is chosen for it.
import { chooseAlert, goToProduct, note, readAlert } from "../actions.ts";
import { local, moment } from "../moments.ts";
import type { State } from "../state.ts";
import type { Alert } from "../wire.ts";
import { call, ownName, say } from "../words.ts";
import { Close, Copy, Leaf, SeveritySign } from "./icons.tsx";
import { StatusChip, whyOver } from "./Alerts.tsx";

export function AlertText({ state }: { state: State }) {
  const { language, alertText: alert } = state;
  return (
    <article class="alert-text">
      <div class="bar">
        <h2>{say(language, "alert.one")}</h2>
        <button type="button" class="quiet" aria-label={say(language, "close")} onClick={() => void chooseAlert(null)}><Close /></button>
      </div>
      {alert && <Text state={state} alert={alert} />}
      {!alert && state.alertUnread !== null && <p class="muted" role="status">{say(language, state.alertUnread)}</p>}
      {!alert && state.alertUnread === null && <p class="muted" aria-busy="true">{say(language, "layer.loading")}</p>}
    </article>
  );
}

function Text({ state, alert }: { state: State; alert: Alert }) {
  const { language } = state;
  const told = alert.properties;
  return (
    <>
      {told.status !== "Actual" && <p class="notreal">{call(language, `status.${told.status}.text`, told.status)}</p>}
      {!told.active && <p class="over-note">{whyOver(state, alert)} {told.superseded_by && <button type="button" class="link" onClick={() => void chooseAlert(told.superseded_by)}>{say(language, "alert.newer")}</button>}</p>}
      <div class={`severity-line ${told.severity.toLowerCase()}`}>
        <SeveritySign severity={told.severity} />
        <b>{say(language, `severity.${told.severity}`)}</b>
        <StatusChip state={state} alert={alert} />
      </div>
      <Languages alert={alert} />
      <div lang={told.language} class="words">
        <h3>{told.headline ?? told.event}</h3>
        {told.description && <p>{told.description}</p>}
        {told.instruction && <p class="instruction">{told.instruction}</p>}
      </div>
      {!told.translation_reviewed && <p class="muted small">{say(language, "alert.unreviewed")}</p>}
      <Facts state={state} alert={alert} />
      <div class="actions">
        {told.product && <button type="button" class="main" onClick={() => { void chooseAlert(null); void goToProduct(alert); }}>{say(language, "alert.product")}</button>}
        <CopyLink state={state} />
        <a class="link" href={told.cap} target="_blank" rel="noopener"><Leaf /> CAP XML</a>
      </div>
    </>
  );
}

function Languages({ alert }: { alert: Alert }) {
  const { languages, language } = alert.properties;
  return (
    <div class="languages">
      {languages.map((one) => (
        <button key={one} type="button" lang={one} aria-pressed={one === language} onClick={() => void readAlert(alert.id, one)}>{ownName(one)}</button>
      ))}
    </div>
  );
}

function Facts({ state, alert }: { state: State; alert: Alert }) {
  const { language } = state;
  const told = alert.properties;
  const time = (iso: string | null) => iso && <time dateTime={iso} title={local(iso, language)}>{moment(iso, language)}</time>;
  const facts: [string, unknown][] = [
    [say(language, "alert.area"), told.areaDesc && <span lang={told.language}>{told.areaDesc}</span>],
    [say(language, "alert.urgency"), call(language, `urgency.${told.urgency}`, told.urgency)],
    [say(language, "alert.certainty"), call(language, `certainty.${told.certainty}`, told.certainty)],
    [say(language, "alert.sent"), time(told.sent)],
    [say(language, "alert.onset"), time(told.onset)],
    [say(language, "alert.expires"), time(told.expires)],
    [say(language, "alert.sender"), told.senderName ?? told.sender],
    [say(language, "alert.type"), call(language, `msgType.${told.msgType}`, told.msgType)],
    [say(language, "alert.id"), <code key="id">{told.identifier}</code>],
  ];
  return (
    <dl class="facts">
      {facts.filter(([, value]) => value).map(([name, value]) => (
        <div key={name}><dt>{name}</dt><dd>{value as never}</dd></div>
      ))}
    </dl>
  );
}

export function CopyLink({ state }: { state: State }) {
  const { language } = state;
  const copy = () =>
    navigator.clipboard
      .writeText(location.href)
      .then(() => note(say(language, "link.copied")))
      .catch(() => note(say(language, "link.notCopied")));
  return <button type="button" class="link" onClick={() => void (navigator.clipboard ? copy() : note(say(language, "link.notCopied")))}><Copy /> {say(language, "link.copy")}</button>;
}
