// The licences of what others wrote and the built page contains.
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const root = new URL("../", import.meta.url);
const CONTAINED = ["maplibre-gl", "preact", "@fontsource-variable/inter", "world-atlas"];

const texts = CONTAINED.map((name) => {
  const folder = new URL(`node_modules/${name}/`, root);
  const { version, license } = JSON.parse(readFileSync(new URL("package.json", folder), "utf-8"));
  const file = ["LICENSE.txt", "LICENSE"].find((one) => existsSync(new URL(one, folder)));
  if (file === undefined) throw new Error(`${name}: found no file of its licence, expected LICENSE or LICENSE.txt`);
  return `${name} ${version} (${license})\n\n${readFileSync(new URL(file, folder), "utf-8").trim()}\n`;
});

writeFileSync(new URL("dist/licences.txt", root), texts.join(`\n${"-".repeat(80)}\n\n`));
