// The page: what must not be missed above, the panel beside the map, the moment below it.
import { Component } from "preact";
import { Banners } from "./Banner.tsx";
import { Header } from "./Header.tsx";
import { Panel } from "./Panel.tsx";
import { LegendCard } from "./Legend.tsx";
import { Timeline } from "./Timeline.tsx";
import { AlertTable } from "./AlertTable.tsx";
import { titleOf } from "../actions.ts";
import { shown } from "../select.ts";
import { address } from "../service.ts";
import { change, type State } from "../state.ts";
import { say } from "../words.ts";
import { Close } from "./icons.tsx";

export function App({ state }: { state: State }) {
  if (state.broken !== null) return <Broken state={state} />;
  if (state.start === null) return <div class="waiting" aria-busy="true" />;
  const exercise = (state.status?.exercise ?? state.start.exercise) !== null;
  return (
    <div class={`page ${exercise ? "in-exercise" : ""}`} data-sheet={state.sheet} data-theme={state.theme}>
      <Banners state={state} />
      <Header state={state} />
      <Panel state={state} />
      <main class="stage" aria-label={say(state.language, "map.label")}>
        <MapPlace />
        {state.mapless && <Picture state={state} />}
        <div class="cross" aria-hidden="true" />
        {exercise && <div class="frame" aria-hidden="true" />}
        <LegendCard state={state} />
        <Timeline state={state} />
      </main>
      <div class="unseen" aria-live="assertive" role="log" aria-label={say(state.language, "tab.alerts")}>
        {state.alarms.map(({ id, text }) => <p key={id}>{text}</p>)}
      </div>
      {state.table && <AlertTable state={state} />}
      <div class="unseen" aria-live="polite" role="status">{state.told}</div>
      {state.note !== null && (
        <div class="note" role="status">
          <span>{state.note}</span>
          <button type="button" class="quiet" aria-label={say(state.language, "close")} onClick={() => change({ note: null })}><Close /></button>
        </div>
      )}
    </div>
  );
}

/** Instead of a map: the picture that every product carries, with its own legend. */
function Picture({ state }: { state: State }) {
  const item = shown(state)[0]?.item;
  const picture = item?.assets.thumbnail;
  return (
    <div class="mapless">
      <p>{say(state.language, "map.none")}</p>
      {item && picture && <img src={address(picture.href)} alt={titleOf(state, item)} />}
    </div>
  );
}

/** The map draws itself; nothing here ever redraws it. */
class MapPlace extends Component {
  override shouldComponentUpdate(): boolean {
    return false;
  }

  override render() {
    return <div id="map" />;
  }
}

function Broken({ state }: { state: State }) {
  return (
    <div class="broken" role="alert">
      <h1>hazmon</h1>
      <p>{say(state.language, "broken")}</p>
      <p class="muted">{state.broken}</p>
    </div>
  );
}
