// Numbers and units as people read them.
import { locale } from "./moments.ts";

/** Return a value to three significant digits, never with more digits than it was stored with. */
export function value(at: number, language: string): string {
  const tiny = at !== 0 && Math.abs(at) < 0.001;
  const options: Intl.NumberFormatOptions = tiny
    ? { notation: "scientific", maximumSignificantDigits: 2 }
    : Math.abs(at) >= 1000
      ? { maximumFractionDigits: 0 }
      : { maximumSignificantDigits: 3 };
  return new Intl.NumberFormat(locale(language), options).format(at);
}

/** Return a probability in percent; one that is not quite 0 or 1 is not said to be. */
export function chance(probability: number, language: string): string {
  const format = new Intl.NumberFormat(locale(language), { style: "percent" });
  if (probability > 0 && probability < 0.01) return `<\u00a0${format.format(0.01)}`;
  if (probability < 1 && probability > 0.99) return `>\u00a0${format.format(0.99)}`;
  return format.format(probability);
}

const SIGNS: Record<string, string> = {
  standard_gravity: "g",
  degrees_east: "°",
  degrees_north: "°",
  "cm s-1": "cm/s",
  "m s-1": "m/s",
  "mm day-1": "mm/d",
  degree_Celsius: "°C",
  percent: "%",
  "%": "%",
};

/** Return a UDUNITS text as people write it; a ratio, class or index has none. */
export function unit(udunits: string | null): string {
  if (udunits === null || udunits === "" || udunits === "1") return "";
  return SIGNS[udunits] ?? udunits.replace(/([a-zA-Z])-(\d)/g, (_, letter: string, power: string) => `${letter}⁻${"⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(power)]}`);
}

export function unitAfter(udunits: string | null): string {
  const sign = unit(udunits);
  return sign === "" ? "" : `\u00a0${sign}`;
}

/** Intensities as they are written. */
export const ROMAN = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/** Return a magnitude, "7.0". */
export function magnitude(at: number, language: string): string {
  return new Intl.NumberFormat(locale(language), { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(at);
}
