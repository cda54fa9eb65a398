// The active alerts as a table: to be read aloud over a telephone, or by a screen reader.
import { useEffect, useRef } from "preact/hooks";
import { chooseAlert } from "../actions.ts";
import { moment } from "../moments.ts";
import { shownAlerts } from "../select.ts";
import { change, type State } from "../state.ts";
import { call, say } from "../words.ts";
import { Calm, EarlierAlerts, ranked, whyOver } from "./Alerts.tsx";
import { Close, SeveritySign } from "./icons.tsx";

export function AlertTable({ state }: { state: State }) {
  const { language } = state;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => change({ table: false });
  return (
    <dialog ref={dialog} class="sheet-table" aria-labelledby="table-title" onClose={close}>
      <div class="bar">
        <h2 id="table-title">{say(language, state.past ? "tab.alerts" : "alerts.active")}</h2>
        <label class="tick"><input type="checkbox" checked={state.past} onChange={(event) => change({ past: event.currentTarget.checked })} /> {say(language, "alerts.withPast")}</label>
        <button type="button" class="quiet" aria-label={say(language, "close")} onClick={() => dialog.current?.close()}><Close /></button>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby="table-title">
        <table>
          <thead>
            <tr>
              {(["alert.severity", "alert.status", "alert.headline", "alert.area", "alert.sent", "alert.expires", "alert.state"] as const).map((key) => <th key={key} scope="col">{say(language, key)}</th>)}
            </tr>
          </thead>
          <tbody>
            {ranked(shownAlerts(state)).map((alert) => {
              const told = alert.properties;
              return (
                <tr key={alert.id}>
                  <td><SeveritySign severity={told.severity} /> {say(language, `severity.${told.severity}`)}</td>
                  <td>{call(language, `status.${told.status}`, told.status)}</td>
                  <td lang={told.language}><button type="button" class="link" onClick={() => { dialog.current?.close(); void chooseAlert(alert.id); }}>{told.headline ?? told.event}</button></td>
                  <td lang={told.language}>{told.areaDesc}</td>
                  <td class="time">{moment(told.sent, language)}</td>
                  <td class="time">{moment(told.expires, language)}</td>
                  <td>{told.active ? say(language, "alert.isActive") : whyOver(state, alert)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
        <EarlierAlerts state={state} />
        <Calm state={state} />
      </div>
    </dialog>
  );
}
