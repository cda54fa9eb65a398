// Where an event is, said from a place near it, as agencies write it: "128 km WNW of Aykol, China".
import { locale } from "./moments.ts";
import { say } from "./words.ts";

const WAYS = ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"];

/** Return the same in the reader's language, the place's own name as it stands; what is written otherwise stays so. */
export function bearing(text: string, language: string): string {
  const [, distance, way = "", place = ""] = /^(\d+(?:\.\d+)?) km ([NESW]{1,3}) of (.+)$/.exec(text) ?? [];
  const at = WAYS.indexOf(way);
  if (at < 0) return text;
  const there = { distance: new Intl.NumberFormat(locale(language)).format(Number(distance)), way: say(language, "bearing.ways").split(" ")[at] ?? way, place };
  return say(language, "bearing", there);
}
