// Moments and spans in words of a language; moments are UTC, as the products are.

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

/** Return "22 Jan 2024, 18:09 UTC". */
export function moment(iso: string | null | undefined, language: string): string {
  if (!iso) return "–";
  const options: Intl.DateTimeFormatOptions = {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC",
  };
  return `${new Intl.DateTimeFormat(language, options).format(new Date(iso))} UTC`;
}

/** Return "22 January 2024". */
export function day(iso: string, language: string): string {
  const options: Intl.DateTimeFormatOptions = { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" };
  return new Intl.DateTimeFormat(language, options).format(new Date(iso));
}

/** Return "22 Jan". */
export function shortDay(iso: string, language: string): string {
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(iso));
}

/** Return what tells two moments apart: their days, or their hours where they are of one day. */
export function ends(one: string, other: string, language: string): [string, string] {
  if (one.slice(0, 10) !== other.slice(0, 10)) return [shortDay(one, language), shortDay(other, language)];
  const options: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" };
  const format = new Intl.DateTimeFormat(language, options);
  return [format.format(new Date(one)), format.format(new Date(other))];
}

/** Return "18:09:30". */
export function clock(at: Date, language: string): string {
  const options: Intl.DateTimeFormatOptions = {
    hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: "UTC",
  };
  return new Intl.DateTimeFormat(language, options).format(at);
}

/** Return the same moment where the reader is, for a tooltip. */
export function local(iso: string | null | undefined, language: string): string | undefined {
  if (!iso) return undefined;
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "long" }).format(new Date(iso));
}

/** Return a span as the largest unit that says it: "3 hours", "2 days". */
export function span(seconds: number, language: string): string {
  const [value, unit] = largest(Math.abs(seconds));
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(value);
}

/** Return how long ago (or how far ahead) a moment is: "3 hours ago". */
export function ago(iso: string, now: number, language: string): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  const [value, unit] = largest(Math.abs(seconds));
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  return format.format(seconds < 0 ? -value : value, unit);
}

export function largest(seconds: number): [number, "second" | "minute" | "hour" | "day"] {
  if (seconds < MINUTE) return [Math.round(seconds), "second"];
  if (seconds < HOUR) return [Math.round(seconds / MINUTE), "minute"];
  if (seconds < 2 * DAY) return [Math.round(seconds / HOUR), "hour"];
  return [Math.round(seconds / DAY), "day"];
}
