// The status board: feeds, layers and runs, those in trouble first, each with a word and a sign.
import { ago, local, moment, span } from "../moments.ts";
import { now } from "../select.ts";
import type { State } from "../state.ts";
import type { FeedState, FeedStatus, LayerStatus, RunStatus } from "../wire.ts";
import { say, call } from "../words.ts";
import { StateSign } from "./icons.tsx";
import { hazardTitle, regionTitle } from "./names.ts";

const ORDER: FeedState[] = ["failing", "late", "never", "good", "off"];

function byTrouble(one: { state: FeedState }, other: { state: FeedState }): number {
  return ORDER.indexOf(one.state) - ORDER.indexOf(other.state);
}

export function Board({ state }: { state: State }) {
  const { language, status } = state;
  if (!status) return <p class="muted" aria-busy="true">{say(language, state.live === "lost" ? "live.unanswered" : "layer.loading")}</p>;
  return (
    <div class="board">
      <p class="as-of">{say(language, "board.asOf", { time: moment(status.at, language) })}</p>
      <Summary state={state} feeds={status.feeds} />
      <h2>{say(language, "board.feeds")}</h2>
      <ul class="plain">{[...status.feeds].sort(byTrouble).map((feed) => <Feed key={feed.id} state={state} feed={feed} />)}</ul>
      <h2>{say(language, "board.layers")}</h2>
      <ul class="plain">{[...status.layers].sort(byTrouble).map((layer) => <LayerRow key={`${layer.hazard} ${layer.region}`} state={state} layer={layer} />)}</ul>
      <h2>{say(language, "board.runs")}</h2>
      {status.runs === null && !status.runs_error && <p class="muted">{say(language, "board.noRuns")}</p>}
      {status.runs_error && <p class="muted state failing"><StateSign state="failing" /> {say(language, "board.runsFailed")} <span lang="en">{status.runs_error}</span></p>}
      {status.runs !== null && <Runs state={state} runs={status.runs} />}
      {(status.quarantine > 0 || status.waiting > 0) && (
        <p class="muted">{say(language, "board.held", { quarantine: status.quarantine, waiting: status.waiting })}</p>
      )}
    </div>
  );
}

function Summary({ state, feeds }: { state: State; feeds: FeedStatus[] }) {
  const { language } = state;
  const counts = ORDER.map((name) => [name, feeds.filter((feed) => feed.state === name).length] as const);
  return (
    <ul class="summary">
      {counts.filter(([, count]) => count > 0).map(([name, count]) => (
        <li key={name} class={`state ${name}`}><StateSign state={name} /> <b>{count}</b> {say(language, `state.${name}`)}</li>
      ))}
    </ul>
  );
}

function Feed({ state, feed }: { state: State; feed: FeedStatus }) {
  const { language } = state;
  const more = [
    feed.last_attempt && !feed.last_good ? say(language, "board.neverGood") : "",
    feed.promise_s !== null ? say(language, "board.promise", { span: span(feed.promise_s, language) }) : "",
    feed.failures > 0 ? say(language, "board.failures", { count: feed.failures }) : "",
  ].filter((part) => part !== "");
  return (
    <li class={`feed state ${feed.state}`} data-feed={feed.id} data-state={feed.state}>
      <StateSign state={feed.state} />
      <span class="grow">
        <b lang="en">{feed.title}</b>
        <small>
          {feed.last_good && <time dateTime={feed.last_good} title={local(feed.last_good, language)}>{say(language, "board.lastGood", { age: ago(feed.last_good, now(state), language) })}</time>}
          {feed.last_good && more.length > 0 && " · "}
          {more.join(" · ")}
        </small>
        {feed.error && feed.state !== "good" && <small class="error" lang="en">{feed.error}</small>}
      </span>
      <span class="word">{say(language, `state.${feed.state}`)}</span>
    </li>
  );
}

function LayerRow({ state, layer }: { state: State; layer: LayerStatus }) {
  const { language } = state;
  return (
    <li class={`feed state ${layer.state}`} data-layer={layer.hazard} data-state={layer.state}>
      <StateSign state={layer.state} />
      <span class="grow">
        <b>{hazardTitle(state, layer.hazard)}</b>
        <small>
          {layer.region && regionTitle(state, layer.region)}
          {layer.region && layer.data_time && " · "}
          {layer.data_time && <time dateTime={layer.data_time} title={local(layer.data_time, language)}>{say(language, "layer.age", { age: ago(layer.data_time, now(state), language) })}</time>}
        </small>
      </span>
      <span class="word">{say(language, layer.state === "never" ? "state.nothing" : `state.${layer.state}`)}</span>
    </li>
  );
}

function Runs({ state, runs }: { state: State; runs: RunStatus[] }) {
  const { language } = state;
  if (runs.length === 0) return <p class="muted">{say(language, "board.runsNone")}</p>;
  return (
    <ul class="plain">
      {runs.slice(0, 20).map((run) => (
        <li key={`${run.dag} ${run.started} ${run.partition}`} class="feed" data-run={run.state}>
          <StateSign state={run.state === "success" ? "good" : run.state === "failed" ? "failing" : "late"} />
          <span class="grow"><b>{run.dag}</b><small>{run.started && ago(run.started, now(state), language)}{run.partition && ` · ${run.partition}`}</small></span>
          <span class="word">{call(language, `run.${run.state}`, run.state)}</span>
        </li>
      ))}
    </ul>
  );
}
