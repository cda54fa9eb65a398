// Moments and spans in words of a language; moments are UTC, as the products are.
import { kazakh } from "./kazakh.ts";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

export type Unit = "second" | "minute" | "hour" | "day";

/** Return the locale whose numbers and dates a language is written with; browsers leave out many of them. */
export function locale(language: string): string {
  if (language === "en") return "en-GB";
  if (language === "kk") return "ru";
  return Intl.DateTimeFormat.supportedLocalesOf(language).length > 0 ? language : "en-GB";
}

function format(iso: string | Date, language: string, options: Intl.DateTimeFormatOptions): string {
  const at = new Date(iso);
  if (language === "kk") return kazakh.moment(at, options);
  return new Intl.DateTimeFormat(locale(language), { ...options, hourCycle: "h23", timeZone: "UTC" }).format(at);
}

const TIME = { hour: "2-digit", minute: "2-digit" } as const;

/** Return "22 Jan 2024, 18:09 UTC". */
export function moment(iso: string | null | undefined, language: string): string {
  if (!iso) return "–";
  return `${format(iso, language, { day: "numeric", month: "short", year: "numeric", ...TIME })} UTC`;
}

/** Return "22 January 2024". */
export function day(iso: string, language: string): string {
  return format(iso, language, { day: "numeric", month: "long", year: "numeric" });
}

/** Return "18:09:30". */
export function clock(at: Date, language: string): string {
  return format(at, language, { ...TIME, second: "2-digit" });
}

/** Return what tells two moments apart: their days, or their hours where they are of one day. */
export function ends(one: string, other: string, language: string): [string, string] {
  const options = one.slice(0, 10) === other.slice(0, 10) ? TIME : ({ day: "numeric", month: "short" } as const);
  return [format(one, language, options), format(other, language, options)];
}

/** Return the same moment where the reader is, for a tooltip. */
export function local(iso: string | null | undefined, language: string): string | undefined {
  if (!iso) return undefined;
  return new Intl.DateTimeFormat(locale(language), { dateStyle: "medium", timeStyle: "long" }).format(new Date(iso));
}

/** Return a span as the largest unit that says it: "3 hours", "2 days". */
export function span(seconds: number, language: string): string {
  const [value, unit] = largest(Math.abs(seconds));
  if (language === "kk") return kazakh.span(value, unit);
  return new Intl.NumberFormat(locale(language), { style: "unit", unit, unitDisplay: "long" }).format(value);
}

/** Return how long ago (or how far ahead) a moment is: "3 hours ago". */
export function ago(iso: string, now: number, language: string): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  const [value, unit] = largest(Math.abs(seconds));
  if (language === "kk") return kazakh.ago(seconds < 0 ? -value : value, unit);
  return new Intl.RelativeTimeFormat(locale(language), { numeric: "auto" }).format(seconds < 0 ? -value : value, unit);
}

export function largest(seconds: number): [number, Unit] {
  if (seconds < MINUTE) return [Math.round(seconds), "second"];
  if (seconds < HOUR) return [Math.round(seconds / MINUTE), "minute"];
  if (seconds < 2 * DAY) return [Math.round(seconds / HOUR), "hour"];
  return [Math.round(seconds / DAY), "day"];
}
