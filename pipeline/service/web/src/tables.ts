// CSV as the products write it: a header, a row of HXL hashtags, values.

import { locale } from "./moments.ts";
import type { Point } from "./state.ts";

export interface Rows {
  columns: string[];
  rows: string[][];
}

export function parse(text: string): Rows {
  const [columns = [], ...rest] = lines(text);
  // A table without hashtags has their row all the same, an empty one: it is no row of unknown values.
  const rows = rest.filter((row, index) => !(index === 0 && (row.some((cell) => cell.startsWith("#")) || row.every((cell) => cell === ""))));
  return { columns, rows };
}

function lines(text: string): string[][] {
  const found: string[][] = [[]];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string;
    if (quoted && letter === '"' && text[at + 1] === '"') {
      cell += '"';
      at++;
    } else if (letter === '"') quoted = !quoted;
    else if (letter === "," && !quoted) {
      found.at(-1)?.push(cell);
      cell = "";
    } else if (letter === "\n" && !quoted) {
      found.at(-1)?.push(cell.replace(/\r$/, ""));
      cell = "";
      found.push([]);
    } else cell += letter;
  }
  if (cell !== "" || (found.at(-1)?.length ?? 0) > 0) found.at(-1)?.push(cell);
  return found.filter((row) => row.length > 0);
}

/** Return the places that the rows name, none where they have no positions. */
export function places(text: string): Point[] {
  const { columns, rows } = parse(text);
  const number = (cell = "") => (cell === "" ? Number.NaN : Number(cell));
  return rows
    .map((cells) => Object.fromEntries(columns.map((name, index) => [name, cells[index] ?? ""])))
    .map((row) => ({
      longitude: number(row.longitude),
      latitude: number(row.latitude),
      name: row.name ?? "",
      probability: Number.isFinite(number(row.probability)) ? Number(row.probability) : null,
      limited: row.state === "limited",
      row,
    }))
    .filter((one) => Number.isFinite(one.longitude) && Number.isFinite(one.latitude));
}

/** Return a cell as people read it: numbers to four digits, an empty cell as a dash. */
export function cell(text: string, language: string): string {
  if (text === "") return "–";
  const value = Number(text);
  if (!Number.isFinite(value) || /[a-z]/i.test(text.replace(/e[-+]?\d+$/i, ""))) return text;
  const digits = Math.abs(value) >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 };
  return new Intl.NumberFormat(locale(language), digits).format(value);
}
