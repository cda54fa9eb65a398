import { describe, expect, it } from "vitest";
import { read, write } from "./address.ts";
import { bearing } from "./bearings.ts";
import { contains } from "./ground.ts";
import { ago, moment, span } from "./moments.ts";
import { chance, unitAfter, value } from "./numbers.ts";
import { cell, parse } from "./tables.ts";
import en from "./words/en.json";
import kk from "./words/kk.json";
import ru from "./words/ru.json";
import zh from "./words/zh.json";

describe("the address of a view", () => {
  it("says again what it was made from", () => {
    const view = { hazard: "shaking", step: "event:eq1", map: [5.2, 41.3, 78.7] as [number, number, number], at: [78.9, -1.5] as [number, number] };
    expect(read(write(view))).toEqual({ view, wrong: [] });
  });

  it("leaves out what cannot be read", () => {
    expect(read("#map=5/x/7&at=1")).toEqual({ view: {}, wrong: ["map=5/x/7", "at=1"] });
  });

  it("leaves out places beyond the poles, where MapLibre throws, and tabs that are none", () => {
    expect(read("#hazard=shaking&map=5/95/78&at=200/10&opacity=2&tab=zzz")).toEqual({
      view: { hazard: "shaking" },
      wrong: ["map=5/95/78", "at=200/10", "opacity=2", "tab=zzz"],
    });
  });
});

describe("a position", () => {
  const ring = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]];
  const hole = [[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]];

  it("lies in a polygon but not in its hole", () => {
    expect(contains({ type: "Polygon", coordinates: [ring, hole] }, 3, 3)).toBe(true);
    expect(contains({ type: "Polygon", coordinates: [ring, hole] }, 1.5, 1.5)).toBe(false);
  });
});

describe("where an event is", () => {
  it("is said in the reader's language, and as it stands where it is written otherwise", () => {
    expect(bearing("128 km WNW of Aykol, China", "ru")).toBe("128 км на ЗСЗ от Aykol, China");
    expect(bearing("128 km WNW of Aykol, China", "zh")).toBe("Aykol, China 西西北 128 公里");
    expect(bearing("Southern Xinjiang, China", "ru")).toBe("Southern Xinjiang, China");
  });
});

describe("numbers", () => {
  it("have three significant digits and the unit people write", () => {
    expect(value(7.0885, "en") + unitAfter("1")).toBe("7.09");
    expect(value(0.265906, "en") + unitAfter("standard_gravity")).toBe("0.266\u00a0g");
  });

  it("never make certain what is not: no facility is at 0 % that is not at 0", () => {
    expect([0, 2e-6, 0.3, 0.99996, 1].map((share) => chance(share, "en"))).toEqual(["0%", "<\u00a01%", "30%", ">\u00a099%", "100%"]);
  });

  it("are written as the language does", () => {
    expect(value(0.5, "ru")).toBe("0,5");
  });
});

describe("spans", () => {
  it("are said in the largest unit that fits", () => {
    expect(span(21600, "en")).toBe("6 hours");
    expect(ago("2024-01-22T18:00:00Z", Date.parse("2024-01-22T21:00:00Z"), "en")).toBe("3 hours ago");
  });

  it("are said in Kazakh even by a browser that does not know it", () => {
    expect(ago("2024-01-22T18:00:00Z", Date.parse("2024-01-22T21:00:00Z"), "kk")).toBe("3 сағат бұрын");
    expect(moment("2024-01-22T18:09:04Z", "kk")).toBe("2024 ж. 22 қаң., 18:09 UTC");
  });
});

describe("a table", () => {
  it("is read without its row of hashtags, with commas inside quotes", () => {
    expect(parse('name,people\n#loc+name,#population\n"Oral, city",1\n')).toEqual({ columns: ["name", "people"], rows: [["Oral, city", "1"]] });
  });

  it("that has no hashtags has no row of dashes instead", () => {
    expect(parse("measure,bias\n,\n").rows).toEqual([]);
  });

  it("shows what is not there as a dash, never as zero", () => {
    expect(cell("", "en")).toBe("–");
  });
});

describe("the words", () => {
  it.each([["ru", ru], ["kk", kk], ["zh", zh]])("of %s are all there, with the same places to be filled in", (_, words) => {
    expect(Object.keys(words)).toEqual(Object.keys(en));
    const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
    for (const [key, text] of Object.entries(en)) expect(places((words as Record<string, string>)[key] ?? ""), key).toEqual(places(text));
  });
});
