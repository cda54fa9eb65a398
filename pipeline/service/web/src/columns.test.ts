import { expect, it } from "vitest";
import { heading, percent, said } from "./columns.ts";
import { magnitude } from "./numbers.ts";

const described = { name: "distance", description: "distance to the rupture", "hazmon:unit": "km" };
const beside = (name: string) => (name === "shaking_units" ? "standard_gravity" : "");

it("calls a column by the page's word with the product's unit", () => {
  const told = heading("aftershocks", "begin", { name: "begin", description: "its begin", "hazmon:unit": "days" }, "ru");
  expect(told).toEqual({ title: "Начало, после главного толчка", unit: "сут.", about: "its begin", lang: undefined });
  expect(heading("exposure", "mmi7_or_more", undefined, "en").title).toBe("People at intensity VII or more");
});

it("calls a column that it has no word for by the product's own, in its language", () => {
  expect(heading("shaking", "distance", described, "ru")).toMatchObject({ title: "distance to the rupture", unit: "км", lang: "en" });
});

it("says what is the page's own in the reader's language", () => {
  expect(said("False", "is_mainshock", undefined, beside, "ru").text).toBe("нет");
  expect(said("limited", "state", undefined, beside, "zh").text).toBe("受限");
  expect(said("standard_gravity", "shaking_units", undefined, beside, "ru").text).toBe("g");
  expect(said("0.0255", "threshold", { name: "threshold", "hazmon:unit": "as shaking_units" }, beside, "ru").text).toBe("0,0255\u00a0g");
  expect(magnitude(7, "ru")).toBe("7,0");
});

it("says neither that the nearly impossible is so nor that the nearly sure is, and nothing of the unknown", () => {
  expect([percent(2e-6, "en"), percent(0.99996, "en"), percent(0, "en"), percent(0.4157, "en")]).toEqual(["<\u00a00.1%", ">\u00a099.9%", "0%", "41.6%"]);
  expect(said("", "probability", undefined, beside, "en").text).toBe("–");
});
