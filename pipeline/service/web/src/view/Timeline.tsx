// The moments that have products: step through them, play them, drag along them.
import { useEffect } from "preact/hooks";
import { chooseStep, move, moveBack, titleOf } from "../actions.ts";
import { day, ends, moment } from "../moments.ts";
import type { Step } from "../products.ts";
import { hazardOf, shown, stepOf, stepsOf } from "../select.ts";
import { change, type State } from "../state.ts";
import { say } from "../words.ts";
import { Back, Forth, Pause, Play } from "./icons.tsx";

/** How long one moment stays while they are played, ms. */
const FRAME = 1400;
/** More moments than this have no mark of their own. */
const MARKED = 40;

export function Timeline({ state }: { state: State }) {
  const { language, playing } = state;
  const all = stepsOf(state);
  const step = stepOf(state);
  usePlaying(playing);
  const hazard = hazardOf(state);
  if (!hazard) return null;
  if (!step) return <Empty state={state} />;
  const at = all.findIndex((one) => one.key === step.key);
  const item = shown(state)[0]?.item;
  const when = whenOf(step, hazard.grid, language);
  return (
    <section class="timeline card" aria-label={say(language, "time")}>
      <div class="buttons">
        <button type="button" class="round" aria-label={say(language, "time.back")} disabled={at <= 0 && !state.earlier[hazard.id]} onClick={() => void moveBack()}><Back /></button>
        <button
          type="button"
          class="round play"
          aria-label={say(language, playing ? "time.pause" : "time.play")}
          aria-pressed={playing}
          disabled={all.length < 2}
          onClick={() => {
            if (!playing && at === all.length - 1) chooseStep(all[0] as Step);
            change({ playing: !playing });
          }}
        >
          {playing ? <Pause /> : <Play />}
        </button>
        <button type="button" class="round" aria-label={say(language, "time.forth")} disabled={at >= all.length - 1} onClick={() => move(1)}><Forth /></button>
      </div>
      <div class="along">
        <div class="when">
          <b>{when}</b>
          <span class="title">{item ? titleOf(state, item) : ""}</span>
          {item?.properties["hazmon:forecast"] && <span class="chip">{say(language, "time.forecast")}</span>}
          {item?.properties["hazmon:spin_up"] && <span class="chip">{say(language, "time.spinUp")}</span>}
          <span class="of">{say(language, "time.of", { at: at + 1, all: all.length })}</span>
        </div>
        <div class="track">
          {all.length > 1 && all.length <= MARKED && (
            <div class="ticks" aria-hidden="true">
              {all.map((one, index) => (
                <span key={one.key} class={`${one.subjects.every((subject) => subject.withdrawn) ? "withdrawn" : ""} ${index === at ? "now" : ""}`} style={{ left: `${(index / (all.length - 1)) * 100}%` }} />
              ))}
            </div>
          )}
          <input
            type="range"
            min={0}
            max={Math.max(0, all.length - 1)}
            step={1}
            value={at}
            disabled={all.length < 2}
            aria-label={say(language, "time")}
            aria-valuetext={`${when}. ${item ? titleOf(state, item) : ""}`}
            onInput={(event) => {
              const next = all[Number(event.currentTarget.value)];
              if (next) chooseStep(next);
            }}
          />
        </div>
        <div class="ends" aria-hidden="true">
          {all.length > 1 && ends((all[0] as Step).time, (all.at(-1) as Step).time, language).map((end, index) => <span key={index}>{end}</span>)}
        </div>
      </div>
    </section>
  );
}

function whenOf(step: Step, grid: string, language: string): string {
  return grid === "region" ? day(step.time, language) : moment(step.time, language);
}

function usePlaying(playing: boolean): void {
  useEffect(() => {
    if (!playing) return undefined;
    const timer = setInterval(() => {
      if (!move(1)) change({ playing: false });
    }, FRAME);
    return () => clearInterval(timer);
  }, [playing]);
}

function Empty({ state }: { state: State }) {
  const { language, hazard } = state;
  const loading = hazard !== null && !state.items[hazard] && !state.unread[hazard];
  const text = loading ? "layer.loading" : hazard !== null && state.unread[hazard] ? "layer.unread" : "layer.none";
  return (
    <section class="timeline card empty" aria-label={say(language, "time")}>
      <p>{say(language, text)}</p>
    </section>
  );
}
