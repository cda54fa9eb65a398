// The panel: alerts, layers, sources; or what was asked for on the map. On a phone it is a sheet at the bottom.
import { useEffect, useRef, useState } from "preact/hooks";
import { chooseAlert, chooseTab, stopAsking } from "../actions.ts";
import { activeAlerts } from "../select.ts";
import { change, current, type State, type Tab } from "../state.ts";
import { say, type Key } from "../words.ts";
import { Alerts } from "./Alerts.tsx";
import { AlertText } from "./AlertText.tsx";
import { Answer } from "./Answer.tsx";
import { Layers } from "./Layers.tsx";
import { Board } from "./Board.tsx";
import { troubled } from "./troubled.ts";

const TABS: Tab[] = ["alerts", "layers", "status"];

export function Panel({ state }: { state: State }) {
  const open = state.asked !== null || state.chosenAlert !== null;
  return (
    <aside class="panel" id="panel" tabIndex={-1} aria-label={say(state.language, "panel")}>
      <Handle state={state} />
      <Tabs state={state} covered={open} />
      <div class="body" id="panel-body" role="tabpanel" aria-labelledby={`tab-${state.tab}`} tabIndex={0} inert={open}>
        {state.tab === "alerts" && <Alerts state={state} />}
        {state.tab === "layers" && <Layers state={state} />}
        {state.tab === "status" && <Board state={state} />}
      </div>
      {say(state.language, "words.unreviewed") !== "" && <p class="unreviewed">{say(state.language, "words.unreviewed")}</p>}
      {open && <Details state={state} />}
    </aside>
  );
}

/** What was chosen on the map or in a list; it takes the focus, and gives it back when it goes. */
function Details({ state }: { state: State }) {
  const place = useRef<HTMLElement>(null);
  const chosen = state.chosenAlert ?? `${state.asked?.longitude} ${state.asked?.latitude}`;
  const [before] = useState(document.activeElement);
  useEffect(() => {
    document.addEventListener("keydown", leave);
    return () => {
      document.removeEventListener("keydown", leave);
      // What lies below can be focused only when it is covered no more.
      queueMicrotask(() => back(before));
    };
  }, []);
  useEffect(() => {
    place.current?.scrollTo?.(0, 0);
    place.current?.focus({ preventScroll: true });
  }, [chosen]);
  return (
    <section
      class="details"
      ref={place}
      tabIndex={-1}
      aria-label={say(state.language, state.chosenAlert !== null ? "alert.one" : "ask.title")}
    >
      {state.chosenAlert !== null ? <AlertText state={state} /> : <Answer state={state} />}
    </section>
  );
}

/** Escape closes what was asked for wherever the focus is, but in what lies over the whole page. */
function leave(event: KeyboardEvent): void {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (current().chosenAlert !== null) void chooseAlert(null);
  else stopAsking();
}

/** Give the focus back; what had it may be gone. */
function back(to: Element | null): void {
  const place = to?.isConnected && to !== document.body ? to : document.getElementById("panel");
  (place as HTMLElement | null)?.focus({ preventScroll: true });
}

function Tabs({ state, covered }: { state: State; covered: boolean }) {
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
    <div class="tabs" role="tablist" aria-label={say(language, "panel")} inert={covered} onKeyDown={step}>
      {TABS.map((tab) => (
        <button
          key={tab}
          type="button"
          role="tab"
          id={`tab-${tab}`}
          aria-selected={state.tab === tab}
          aria-controls="panel-body"
          tabIndex={state.tab === tab ? 0 : -1}
          onClick={() => chooseTab(tab)}
        >
          <span>{say(language, `tab.${tab}`)}</span>
          {tab === "alerts" && state.alertsRead && <Count state={state} of="tab.alerts.count" count={active} look={active > 0 ? "some" : ""} />}
          {tab === "status" && trouble > 0 && <Count state={state} of="tab.status.count" count={trouble} look="trouble" />}
        </button>
      ))}
    </div>
  );
}

/** How many: a number to be seen, and of what in words. */
function Count({ state, of, count, look }: { state: State; of: Key; count: number; look: string }) {
  const words = say(state.language, of, { count });
  return (
    <>
      <span class={`count ${look}`} aria-hidden="true" title={words}>{count}</span>
      <span class="unseen">{words}</span>
    </>
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
