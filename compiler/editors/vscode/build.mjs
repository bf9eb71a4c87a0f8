// The extension as one file, `dist/extension.js`, and the licences that a package carries.

import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

process.chdir(import.meta.dirname);
await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  external: ["vscode"],
  format: "cjs",
  platform: "node",
  target: "node20",
  minify: true,
  logLevel: "warning",
});

const licences = ["MIT", "APACHE"].map((name) => readFileSync(`../../../LICENSE-${name}`, "utf8"));
writeFileSync("LICENSE.txt", licences.join("\n\n"));
