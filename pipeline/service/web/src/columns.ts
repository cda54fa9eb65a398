// What a table's columns are called and how their cells are said: by the product's description, in the reader's language.
import { locale } from "./moments.ts";
import { ROMAN, unit } from "./numbers.ts";
import { cell } from "./tables.ts";
import type { TableColumn } from "./wire.ts";
import { call, knows } from "./words.ts";

export interface Heading {
  title: string;
  unit: string;
  /** What the product says of the column, in English. */
  about: string | null;
  /** Set where the title is not in the reader's language. */
  lang: "en" | undefined;
}

export interface Said {
  text: string;
  isNumber: boolean;
  lang: "en" | undefined;
}

/** A unit that another column of the row names: "as shaking_units". */
const ELSEWHERE = /^as (\w+)$/;

/** Return what a column of a layer's table is called. */
export function heading(layer: string, name: string, described: TableColumn | undefined, language: string): Heading {
  const number = Number(/mmi(\d+)/.exec(name)?.[1]);
  const key = [`column.${layer}.${name.replace(/mmi\d+/, "mmi*")}`, `column.${name}`].find((one) => knows(language, one));
  const about = described?.description ?? null;
  const units = described?.["hazmon:unit"] ?? null;
  const plain = about ?? name.replace(/_/g, " ");
  return {
    title: key ? call(language, key, plain).replace("{n}", ROMAN[number] ?? "") : plain,
    unit: units === null || ELSEWHERE.test(units) ? "" : unitName(units, language),
    about,
    lang: key || language === "en" ? undefined : "en",
  };
}

/** Return a unit as a person writes it. */
function unitName(units: string, language: string): string {
  return call(language, `unit.${units}`, unit(units));
}

/** Return a probability to a tenth of a percent; what is nearly impossible or nearly sure is never said to be quite so. */
export function percent(at: number, language: string): string {
  const format = new Intl.NumberFormat(locale(language), { style: "percent", maximumFractionDigits: 1 });
  if (at > 0 && at < 0.001) return `<\u00a0${format.format(0.001)}`;
  if (at < 1 && at > 0.999) return `>\u00a0${format.format(0.999)}`;
  return format.format(at);
}

/** Return how a cell is said; `beside` gives the cell of the same row in another column. */
export function said(text: string, name: string, described: TableColumn | undefined, beside: (name: string) => string, language: string): Said {
  if (name.endsWith("_units")) return { text: cell(unitName(text, language), language), isNumber: false, lang: undefined };
  if (text !== "" && Number.isFinite(Number(text))) {
    const units = ELSEWHERE.exec(described?.["hazmon:unit"] ?? "")?.[1];
    const sign = units ? unitName(beside(units), language) : "";
    const shown = name === "probability" ? percent(Number(text), language) : cell(text, language);
    return { text: sign === "" ? shown : `${shown}\u00a0${sign}`, isNumber: true, lang: undefined };
  }
  if (text === "inf") return { text: "∞", isNumber: true, lang: undefined };
  const key = [`cell.${text}`, `class.${text}`, ...(name === "measure" ? [`asset.shaking.${text}`] : [])].find((one) => knows(language, one));
  if (key) return { text: call(language, key, text), isNumber: false, lang: undefined };
  return { text: cell(text, language), isNumber: text === "", lang: text === "" || language === "en" ? undefined : "en" };
}
