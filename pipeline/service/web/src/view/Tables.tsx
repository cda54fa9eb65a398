// The tables of a product: the first rows as they stand in the file, more of them over the whole page, and the file to take away.
import { useEffect, useRef, useState } from "preact/hooks";
import { heading, said } from "../columns.ts";
import { parse, type Rows } from "../tables.ts";
import { text, Unanswered } from "../service.ts";
import type { State } from "../state.ts";
import type { Item, ItemAsset, TableColumn } from "../wire.ts";
import { say } from "../words.ts";
import { Close, Sheet } from "./icons.tsx";
import { assetTitle } from "./names.ts";
import { hazardOf } from "../select.ts";

/** Rows shown in the panel, and over the whole page; all of them are in the file. */
const ROWS = 12;
const MANY = 500;

/** Texts longer than this are broken into lines, those up to the other only where place is dear; titles longer than the last keep theirs few. */
const LONG = 80;
const SHORT = 32;
const WIDE = 18;

export function Tables({ state, item }: { state: State; item: Item }) {
  const tables = Object.entries(item.assets)
    .filter(([, asset]) => asset.type === "text/csv")
    .sort(([one], [other]) => rank(item, one) - rank(item, other));
  if (tables.length === 0) return null;
  return (
    <div class="tables">
      <h4>{say(state.language, "tables")}</h4>
      {tables.map(([name, asset], index) => (
        <One key={`${item.id} ${name}`} state={state} item={item} name={name.replace(/_csv$/, "")} asset={asset} open={index === 0 && rank(item, name) === 0} />
      ))}
    </div>
  );
}

/** The table that is the estimate comes first, as the reader asks for it first. */
function rank(item: Item, name: string): number {
  return name.replace(/_csv$/, "") === item.properties["hazmon:answers"].estimate ? 0 : 1;
}

function One({ state, item, name, asset, open }: { state: State; item: Item; name: string; asset: ItemAsset; open: boolean }) {
  const hazard = hazardOf(state);
  const [shown, show] = useState(open);
  const title = hazard ? assetTitle(state, hazard, name) : (asset.title ?? name);
  const table = { layer: hazard?.layer ?? "", title, href: asset.href, columns: item.assets[name]?.["table:columns"] ?? [] };
  return (
    <details class="table" open={shown} onToggle={(event) => show(event.currentTarget.open)}>
      <summary>{title}</summary>
      {shown && <Content state={state} table={table} />}
    </details>
  );
}

interface Table {
  layer: string;
  title: string;
  href: string;
  columns: TableColumn[];
}

function Content({ state, table }: { state: State; table: Table }) {
  const { language } = state;
  const { href, title } = table;
  const [rows, put] = useState<Rows | "waiting" | "failed">("waiting");
  const [large, enlarge] = useState(false);
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
      <div class="scroll" tabIndex={0} role="region" aria-label={title}><Cells state={state} table={table} rows={rows} most={ROWS} /></div>
      <First state={state} rows={rows} most={ROWS} />
      <p class="file">
        <button type="button" class="link" onClick={() => enlarge(true)}><Sheet /> {say(language, "tables.wide")}</button>
        <a href={href} download>{say(language, "tables.file", { rows: rows.rows.length })}</a>
      </p>
      {large && <Large state={state} table={table} rows={rows} close={() => enlarge(false)} />}
    </>
  );
}

/** That rows are left out is said, never left to be guessed. */
function First({ state, rows, most }: { state: State; rows: Rows; most: number }) {
  if (rows.rows.length <= most) return null;
  return <p class="muted small">{say(state.language, "tables.first", { shown: most, rows: rows.rows.length })}</p>;
}

function Cells({ state, table, rows, most }: { state: State; table: Table; rows: Rows; most: number }) {
  const { language } = state;
  const described = rows.columns.map((name) => table.columns.find((one) => one.name === name));
  const numeric = rows.columns.map((_, at) => rows.rows.every((row) => row[at] === "" || Number.isFinite(Number(row[at]))));
  return (
    <table>
      <thead>
        <tr>
          {rows.columns.map((name, at) => {
            const { title, unit, about, lang } = heading(table.layer, name, described[at], language);
            return <th key={name} scope="col" lang={lang} class={`${numeric[at] ? "number" : ""} ${title.length > WIDE ? "wide" : ""}`} title={about ?? name}>{title}{unit && <small>, {unit}</small>}</th>;
          })}
        </tr>
      </thead>
      <tbody>
        {rows.rows.slice(0, most).map((row, index) => (
          <tr key={index}>
            {row.map((one, at) => {
              const { text, isNumber, lang } = said(one, rows.columns[at] as string, described[at], (name) => row[rows.columns.indexOf(name)] ?? "", language);
              return <td key={at} lang={lang} class={isNumber && numeric[at] ? "number" : text.length > LONG ? "long" : text.length > SHORT ? "" : "short"}>{text}</td>;
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The same over the whole page: a panel shows few of many columns. */
function Large({ state, table, rows, close }: { state: State; table: Table; rows: Rows; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="sheet-table product" aria-labelledby="large-title" onClose={close}>
      <div class="bar">
        <h2 id="large-title">{table.title}</h2>
        <button type="button" class="quiet" aria-label={say(state.language, "close")} onClick={() => dialog.current?.close()}><Close /></button>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby="large-title"><Cells state={state} table={table} rows={rows} most={MANY} /></div>
      <First state={state} rows={rows} most={MANY} />
    </dialog>
  );
}
