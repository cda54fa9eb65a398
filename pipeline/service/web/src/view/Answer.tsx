// What is known at one place: the value and how sure it is, where the method cannot know, how old it is, what it was made from.
import type { ComponentChildren } from "preact";
import { alertsAt, chooseAlert, stopAsking, titleOf } from "../actions.ts";
import { origins, type Explained, type Said } from "../explained.ts";
import { ago, moment, local, locale } from "../moments.ts";
import { ROMAN, unitAfter, value } from "../numbers.ts";
import { standing } from "../products.ts";
import { drawn, hazardOf, now, pointsAt, type Shown } from "../select.ts";
import type { Asked, State } from "../state.ts";
import { call, say } from "../words.ts";
import { CopyLink } from "./AlertText.tsx";
import { StatusChip } from "./Alerts.tsx";
import { Facility } from "./Facility.tsx";
import { Close, SeveritySign, StateSign } from "./icons.tsx";
import { assetTitle, called } from "./names.ts";

export function Answer({ state }: { state: State }) {
  const { language } = state;
  const asked = state.asked as Asked;
  const here = alertsAt(state, asked);
  const known = drawn(state)?.shown ?? [];
  const facilities = pointsAt(state, asked);
  return (
    <article class="answer" aria-live="polite">
      <div class="bar">
        <h2>{place(asked, language)}</h2>
        <button type="button" class="quiet" aria-label={say(language, "close")} onClick={stopAsking}><Close /></button>
      </div>
      {here.length > 0 && (
        <ul class="plain here">
          {here.map((alert) => (
            <li key={alert.id}>
              <button type="button" class={`alert-line ${alert.properties.severity.toLowerCase()}`} onClick={() => void chooseAlert(alert.id)}>
                <SeveritySign severity={alert.properties.severity} />
                <span lang={alert.properties.language}>{alert.properties.headline ?? alert.properties.event}</span>
                <StatusChip state={state} alert={alert} />
              </button>
            </li>
          ))}
        </ul>
      )}
      {facilities.map((point) => <Facility key={point.name} state={state} point={point} />)}
      {known.length === 0 && here.length === 0 && facilities.length === 0 && <p class="muted">{say(language, "ask.nothing")}</p>}
      {known.map((one) => <About key={one.item.id} state={state} one={one} />)}
      <div class="actions"><CopyLink state={state} /></div>
    </article>
  );
}

function place({ longitude, latitude }: Asked, language: string): string {
  const format = (value: number) => new Intl.NumberFormat(locale(language), { minimumFractionDigits: 3, maximumFractionDigits: 3 }).format(Math.abs(value));
  const [up, along] = [latitude < 0 ? "place.south" : "place.north", longitude < 0 ? "place.west" : "place.east"] as const;
  return `${format(latitude)}° ${say(language, up)}, ${format(longitude)}° ${say(language, along)}`;
}

function About({ state, one }: { state: State; one: Shown }) {
  const { language } = state;
  const answer = state.explained[one.item.id];
  const how = standing(one.subject, one.item);
  const inner = (content: ComponentChildren) => (
    <section class="about">
      <h3>{titleOf(state, one.item)}</h3>
      {how !== "current" && <p class={`standing ${how} block`}>{say(language, `standing.${how}`)}</p>}
      {content}
    </section>
  );
  if (answer === undefined || answer === "waiting") return inner(<p class="muted" aria-busy="true">{say(language, "layer.loading")}</p>);
  if (answer === "failed") return inner(<p class="muted">{say(language, "layer.unread")}</p>);
  if (answer.values.every((said) => said.state === "outside")) return inner(<p class="muted">{say(language, "ask.outside")}</p>);
  return inner(<Known state={state} answer={answer} />);
}

function Known({ state, answer }: { state: State; answer: Explained }) {
  const { language } = state;
  const by = (role: string) => answer.values.find((said) => said.answers === role);
  const [estimate, uncertainty] = [by("estimate"), by("uncertainty")];
  const rest = answer.values.filter((said) => said.answers === null && said.state === "known");
  return (
    <>
      {estimate && (
        <p class="value" data-asset={estimate.asset} data-value={estimate.value ?? ""}>
          <Value state={state} said={estimate} />
          <small>{title(state, answer, estimate)}</small>
        </p>
      )}
      {uncertainty && estimate?.state === "known" && (
        <p class="uncertainty" data-asset={uncertainty.asset} data-value={uncertainty.value ?? ""}>
          <span class="label">{title(state, answer, uncertainty)}</span>
          <Value state={state} said={uncertainty} />
        </p>
      )}
      <Limit state={state} answer={answer} />
      <p class="age">
        {answer.age.data_time && (
          <>
            {say(language, "ask.age", { age: ago(answer.age.data_time, now(state), language) })}{" "}
            <time dateTime={answer.age.data_time} title={local(answer.age.data_time, language)}>{moment(answer.age.data_time, language)}</time>
          </>
        )}
      </p>
      {rest.length > 0 && (
        <details class="rest">
          <summary>{say(language, "ask.rest")}</summary>
          <dl class="facts">
            {rest.map((said) => (
              <div key={said.asset} data-asset={said.asset} data-value={said.value ?? ""}>
                <dt>{title(state, answer, said)}</dt>
                <dd><Value state={state} said={said} /></dd>
              </div>
            ))}
          </dl>
        </details>
      )}
      <Provenance state={state} answer={answer} />
    </>
  );
}

function title(state: State, answer: Explained, said: Said): string {
  const hazard = hazardOf(state, answer.hazard);
  return hazard ? assetTitle(state, hazard, said.asset) : said.title;
}

function Value({ state, said }: { state: State; said: Said }) {
  const { language } = state;
  if (said.state === "unknown" || said.value === null) return <b class="unknown"><span class="swatch hatch" aria-hidden="true" /> {say(language, "legend.unknown")}</b>;
  if (said.label !== null) return <b>{called(state, said.label)}</b>;
  const roman = said.asset === "mmi" ? `${ROMAN[Math.round(said.value)] ?? ""} · ` : "";
  return <b>{roman}{value(said.value, language)}{unitAfter(said.unit)}</b>;
}

/** Whether the method can know anything here; the code 0 of the mask says that it can. */
function Limit({ state, answer }: { state: State; answer: Explained }) {
  const { language } = state;
  const { exclusion } = answer;
  if (!exclusion) return null;
  if (exclusion.without_reserve === true) return <p class="limit fine"><StateSign state="good" />{called(state, exclusion.meaning)}</p>;
  return (
    <p class="limit">
      <span class="swatch dots" aria-hidden="true" />
      <span><b>{say(language, exclusion.without_reserve === null ? "ask.limitUnknown" : "ask.limit")}</b> {called(state, exclusion.meaning)}</span>
    </p>
  );
}

function Provenance({ state, answer }: { state: State; answer: Explained }) {
  const { language } = state;
  return (
    <details class="provenance">
      <summary>{say(language, "ask.provenance")}</summary>
      <ul class="plain">
        {origins(answer.inputs).map((origin) => {
          const time = origin.time ?? origin.received;
          return (
            <li key={`${origin.source} ${origin.id}`}>
              <b>{call(language, `hazard.${origin.source}`, origin.source)}</b>{" "}
              {origin.href ? <a href={origin.href} target="_blank" rel="noopener">{origin.id ?? origin.source}</a> : origin.id}
              <small>
                {time && `${say(language, origin.time ? "ask.of" : "ask.received", { time: moment(time, language) })} · ${ago(time, now(state), language)} · `}
                <span lang="en">{origin.inputs.join(", ").replace(/_/g, " ")}</span>
              </small>
            </li>
          );
        })}
      </ul>
      <dl class="facts">
        <div><dt>{say(language, "ask.method")}</dt><dd lang="en">{answer.layer.name} {answer.layer.version}. {answer.layer.source}{answer.layer.doi && <> doi:{answer.layer.doi}</>}</dd></div>
        <div><dt>{say(language, "ask.credit")}</dt><dd lang="en">{answer.attribution}</dd></div>
        <div><dt>{say(language, "ask.licence")}</dt><dd>{answer.licence === "other" ? say(language, "ask.licenceOther") : answer.licence}</dd></div>
        <div><dt>STAC</dt><dd><a href={answer.href} target="_blank" rel="noopener">{answer.item}</a></dd></div>
      </dl>
    </details>
  );
}
