// The page's words in the reader's language; what a language lacks is said in English.
import en from "./words/en.json";
import kk from "./words/kk.json";
import ru from "./words/ru.json";
import zh from "./words/zh.json";

type Words = Record<string, string>;

export type Key = keyof typeof en;

const ALL: Record<string, Words> = { en, kk, ru, zh };

/** Names that browsers often do not know. */
const OWN: Record<string, string> = { kk: "Қазақша", ky: "Кыргызча", tg: "Тоҷикӣ", tk: "Türkmençe", uz: "Oʻzbekcha" };

/** What a language calls itself. */
export function ownName(language: string): string {
  const own = OWN[base(language)];
  if (own !== undefined) return own;
  const name = new Intl.DisplayNames([language], { type: "language" }).of(language) ?? language;
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
}

export function has(language: string): boolean {
  return base(language) in ALL;
}

function base(language: string): string {
  return language.split("-")[0] as string;
}

/** Return a text with its `{names}` filled in. */
export function say(language: string, key: Key, given: Record<string, string | number> = {}): string {
  const words = ALL[base(language)]?.[key] ?? en[key];
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => (name in given ? String(given[name]) : whole));
}

/** Return a text of a thing that configuration names (a hazard, a class), or what the thing calls itself. */
export function call(language: string, key: string, otherwise: string): string {
  return ALL[base(language)]?.[key] ?? (base(language) === "en" ? otherwise : ((en as Words)[key] ?? otherwise));
}

/** Return whether `call` has its own word in this language. */
export function knows(language: string, key: string): boolean {
  return ALL[base(language)]?.[key] !== undefined;
}
