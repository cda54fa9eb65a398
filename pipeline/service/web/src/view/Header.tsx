// The head of the page: whose service, what time it is there, whether news come, the reader's language.
import { useEffect, useState } from "preact/hooks";
import { chooseLanguage } from "../actions.ts";
import { clock, day } from "../moments.ts";
import { now } from "../select.ts";
import { change, type State } from "../state.ts";
import { ownName, say } from "../words.ts";
import { Theme } from "./icons.tsx";
import { isBlind } from "./troubled.ts";

const THEMES = { auto: "dark", dark: "light", light: "auto" } as const;

export function Header({ state }: { state: State }) {
  const { start, language } = state;
  return (
    <header class="head">
      <a class="skip" href="#panel" onClick={skip}>{say(language, "skip")}</a>
      <div class="name">
        <h1>{start?.title ?? "hazmon"}</h1>
        {start?.operator && <p>{start.operator}</p>}
      </div>
      <Clock state={state} />
      <LiveSign state={state} />
      <button
        type="button"
        class="quiet"
        aria-label={`${say(language, "theme")}: ${say(language, `theme.${state.theme}`)}`}
        title={`${say(language, "theme")}: ${say(language, `theme.${state.theme}`)}`}
        onClick={() => change({ theme: THEMES[state.theme] })}
      >
        <Theme />
      </button>
      <label class="language">
        <span class="unseen">{say(language, "language")}</span>
        <select value={language} onChange={(event) => void chooseLanguage(event.currentTarget.value)}>
          {(start?.languages ?? [language]).map((one) => (
            <option key={one} value={one} lang={one}>{ownName(one)}</option>
          ))}
        </select>
      </label>
    </header>
  );
}

/** Go to the panel by the focus alone: what stands after the # of the address is the view. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("panel")?.focus();
}

function Clock({ state }: { state: State }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const at = new Date(now(state));
  return (
    <div class="clock">
      <time dateTime={at.toISOString()}>
        <b>{clock(at, state.language)}</b> UTC
      </time>
      <span>
        {day(at.toISOString(), state.language)}
        {state.frozen !== null && ` · ${say(state.language, "clock.exercise")}`}
      </span>
    </div>
  );
}

function LiveSign({ state }: { state: State }) {
  // News that would come are no comfort where there is nothing to tell of.
  const how = state.live === "live" && isBlind(state) ? "nothing" : state.live;
  const text = say(state.language, `live.${how}`);
  return (
    <div class={`live is-${how}`} title={say(state.language, `live.${how}.why`)}>
      <span class="dot" aria-hidden="true" />
      <span>{text}</span>
    </div>
  );
}
