// What was built from what: SHA-256 of every source and of every built file, so that a test can tell whether they belong together.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const root = new URL("../", import.meta.url);
const NOT_SOURCES = new Set(["node_modules", "dist"]);

function files(folder: URL, skip: Set<string>): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !skip.has(entry.name))
    .flatMap((entry) =>
      entry.isDirectory()
        ? files(new URL(`${entry.name}/`, folder), new Set()).map((name) => `${entry.name}/${name}`)
        : [entry.name],
    )
    .sort();
}

function sums(folder: URL, skip: Set<string>): Record<string, string> {
  const sum = (name: string) => createHash("sha256").update(readFileSync(new URL(name, folder))).digest("hex");
  return Object.fromEntries(files(folder, skip).map((name) => [name, sum(name)]));
}

const dist = new URL("dist/", root);
const manifest = { sources: sums(root, NOT_SOURCES), files: sums(dist, new Set(["manifest.json"])) };
writeFileSync(new URL("manifest.json", dist), `${JSON.stringify(manifest, null, 1)}\n`);
