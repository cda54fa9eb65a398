// The panel: alerts, layers, sources; or what was asked for on the map. On a phone it is a sheet at the bottom.
import { useEffect, useRef } from "preact/hooks";
import { chooseTab } from "../actions.ts";
import { activeAlerts } from "../select.ts";
import { change, type State, type Tab } from "../state.ts";
import { say } from "../words.ts";
import { Alerts } from "./Alerts.tsx";
import { AlertText } from "./AlertText.tsx";
import { Answer } from "./Answer.tsx";
import { Layers } from "./Layers.tsx";
import { Board } from "./Board.tsx";
import { troubled } from "./troubled.ts";

const TABS: Tab[] = ["alerts", "layers", "status"];

export function Panel({ state }: { state: State }) {
  return (
    <aside class="panel" id="panel" tabIndex={-1} aria-label={say(state.language, "panel")}>
      <Handle state={state} />
      <Tabs state={state} />
      <div class="body" id="panel-body" role="tabpanel" aria-labelledby={`tab-${state.tab}`} tabIndex={0}>
        {state.tab === "alerts" && <Alerts state={state} />}
        {state.tab === "layers" && <Layers state={state} />}
        {state.tab === "status" && <Board state={state} />}
      </div>
      {say(state.language, "words.unreviewed") !== "" && <p class="unreviewed">{say(state.language, "words.unreviewed")}</p>}
      {(state.asked !== null || state.chosenAlert !== null) && <Details state={state} />}
    </aside>
  );
}

/** What was chosen on the map or in a list; it takes the focus, and gives it back when it goes. */
function Details({ state }: { state: State }) {
  const place = useRef<HTMLElement>(null);
  const chosen = state.chosenAlert ?? `${state.asked?.longitude} ${state.asked?.latitude}`;
  const before = useRef<Element | null>(null);
  useEffect(() => {
    before.current = document.activeElement;
    return () => (before.current as HTMLElement | null)?.focus?.();
  }, []);
  useEffect(() => {
    place.current?.scrollTo?.(0, 0);
    if (state.chosenAlert !== null) place.current?.focus({ preventScroll: true });
  }, [chosen]);
  return (
    <section
      class="details"
      ref={place}
      tabIndex={-1}
      aria-label={say(state.language, state.chosenAlert !== null ? "alert.one" : "ask.title")}
      onKeyDown={(event) => {
        if (event.key === "Escape") change({ chosenAlert: null, alertText: null, asked: null, explained: {} });
      }}
    >
      {state.chosenAlert !== null ? <AlertText state={state} /> : <Answer state={state} />}
    </section>
  );
}

function Tabs({ state }: { state: State }) {
  const { language } = state;
  const active = activeAlerts(state).length;
  const trouble = troubled(state).length;
  const step = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    const next = TABS[(TABS.indexOf(state.tab) + by + TABS.length) % TABS.length] as Tab;
    chooseTab(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={say(language, "panel")} onKeyDown={step}>
      {TABS.map((tab) => (
        <button
          key={tab}
          type="button"
          role="tab"
          id={`tab-${tab}`}
          aria-selected={state.tab === tab}
          aria-controls="panel-body"
          tabIndex={state.tab === tab ? 0 : -1}
          onClick={() => {
            change({ chosenAlert: null, alertText: null, asked: null, explained: {} });
            chooseTab(tab);
          }}
        >
          <span>{say(language, `tab.${tab}`)}</span>
          {tab === "alerts" && state.alertsRead && <span class={`count ${active > 0 ? "some" : ""}`}>{active}</span>}
          {tab === "status" && trouble > 0 && <span class="count trouble">{trouble}</span>}
        </button>
      ))}
    </div>
  );
}

const NEXT = { low: "half", half: "full", full: "low" } as const;

/** On a phone: how much of the page the sheet takes. */
function Handle({ state }: { state: State }) {
  return (
    <button
      type="button"
      class="handle"
      aria-label={say(state.language, "sheet")}
      aria-expanded={state.sheet !== "low"}
      onClick={() => change({ sheet: NEXT[state.sheet] })}
    >
      <span aria-hidden="true" />
    </button>
  );
}
