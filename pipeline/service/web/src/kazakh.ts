// Dates and spans in Kazakh, as CLDR has them: Chromium is built without that language and would write "2024 M04 10".
import type { Unit } from "./moments.ts";

const LONG = ["қаңтар", "ақпан", "наурыз", "сәуір", "мамыр", "маусым", "шілде", "тамыз", "қыркүйек", "қазан", "қараша", "желтоқсан"];
const SHORT = ["қаң.", "ақп.", "нау.", "сәу.", "мам.", "мау.", "шіл.", "там.", "қыр.", "қаз.", "қар.", "жел."];

const UNITS: Record<Unit, [plain: string, from: string]> = {
  second: ["секунд", "секундтан"],
  minute: ["минут", "минуттан"],
  hour: ["сағат", "сағаттан"],
  day: ["күн", "күннен"],
};

function two(value: number): string {
  return String(value).padStart(2, "0");
}

export const kazakh = {
  moment(at: Date, options: Intl.DateTimeFormatOptions): string {
    const month = (options.month === "long" ? LONG : SHORT)[at.getUTCMonth()];
    const date = options.day ? `${at.getUTCDate()} ${month}` : "";
    const year = options.year ? `${at.getUTCFullYear()} ж. ` : "";
    const seconds = options.second ? `:${two(at.getUTCSeconds())}` : "";
    const time = options.hour ? `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}${seconds}` : "";
    return [year + date, time].filter((part) => part !== "").join(", ");
  },
  span(value: number, unit: Unit): string {
    return `${value} ${UNITS[unit][0]}`;
  },
  ago(value: number, unit: Unit): string {
    if (value === 0) return "қазір";
    return value < 0 ? `${-value} ${UNITS[unit][0]} бұрын` : `${value} ${UNITS[unit][1]} кейін`;
  },
};
