// The tables of a product: the first rows as they stand in the file, and the whole file to take away.
import { useEffect, useState } from "preact/hooks";
import { parse, cell, type Rows } from "../tables.ts";
import { text, Unanswered } from "../service.ts";
import type { State } from "../state.ts";
import type { Item, ItemAsset } from "../wire.ts";
import { say } from "../words.ts";
import { assetTitle } from "./names.ts";
import { hazardOf } from "../select.ts";

/** Rows shown before the reader asks for the file. */
const ROWS = 12;

export function Tables({ state, item }: { state: State; item: Item }) {
  const tables = Object.entries(item.assets)
    .filter(([, asset]) => asset.type === "text/csv")
    .sort(([one], [other]) => rank(item, one) - rank(item, other));
  if (tables.length === 0) return null;
  return (
    <div class="tables">
      <h4>{say(state.language, "tables")}</h4>
      {tables.map(([name, asset], index) => (
        <One key={`${item.id} ${name}`} state={state} name={name.replace(/_csv$/, "")} asset={asset} open={index === 0 && rank(item, name) === 0} />
      ))}
    </div>
  );
}

/** The table that is the estimate comes first, as the reader asks for it first. */
function rank(item: Item, name: string): number {
  return name.replace(/_csv$/, "") === item.properties["hazmon:answers"].estimate ? 0 : 1;
}

function One({ state, name, asset, open }: { state: State; name: string; asset: ItemAsset; open: boolean }) {
  const hazard = hazardOf(state);
  const [shown, show] = useState(open);
  const title = hazard ? assetTitle(state, hazard, name) : (asset.title ?? name);
  return (
    <details class="table" open={shown} onToggle={(event) => show(event.currentTarget.open)}>
      <summary>{title}</summary>
      {shown && <Content state={state} href={asset.href} title={title} />}
    </details>
  );
}

function Content({ state, href, title }: { state: State; href: string; title: string }) {
  const { language } = state;
  const [rows, put] = useState<Rows | "waiting" | "failed">("waiting");
  useEffect(() => {
    const abort = new AbortController();
    text(href, abort.signal)
      .then((found) => put(parse(found)))
      .catch((error: unknown) => {
        if (!(error instanceof Unanswered)) throw error;
        if (!abort.signal.aborted) put("failed");
      });
    return () => abort.abort();
  }, [href]);
  if (rows === "waiting") return <p class="muted">{say(language, "layer.loading")}</p>;
  if (rows === "failed") return <p class="muted">{say(language, "layer.unread")}</p>;
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <table lang="en">
          <thead><tr>{rows.columns.map((name) => <th key={name} scope="col">{name.replace(/_/g, " ")}</th>)}</tr></thead>
          <tbody>
            {rows.rows.slice(0, ROWS).map((row, index) => (
              <tr key={index}>{row.map((one, at) => <td key={at} class={/^[-\d.e+]*$/i.test(one) ? "number" : ""}>{cell(one, language)}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="file">
        <a href={href} download>{say(language, "tables.file", { rows: rows.rows.length })}</a>
      </p>
    </>
  );
}
