// What is said of a command that cannot be a language server.

import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { buildSync } from "esbuild";

const source = new URL("../src/command.ts", import.meta.url).pathname;
const [built] = buildSync({ entryPoints: [source], bundle: true, format: "esm", platform: "node", write: false }).outputFiles;
const { faultOf } = await import(`data:text/javascript,${encodeURIComponent(built.text)}`);

/** A script of the shell that is handed to `use` by its path. */
async function withScript(text, mode, use) {
  const folder = mkdtempSync(join(tmpdir(), "resnetc-"));
  try {
    const path = join(folder, "resnetc");
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, mode);
    await use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const options = { skip: process.platform === "win32" && "the commands are scripts of the shell" };

test("a_command_with_a_language_server_has_no_fault", options, () =>
  withScript('[ "$*" = "lsp --help" ]', 0o755, async (path) => assert.equal(await faultOf(path), undefined)));

test("a_missing_command_is_named_with_the_setting", async () => {
  assert.match(await faultOf("no-such-resnetc"), /no command `no-such-resnetc`.*`resnetc\.path`/);
  assert.match(await faultOf(""), /`resnetc\.path`|cannot be started/);
});

test("a_file_that_is_no_program_is_told", options, () =>
  withScript("", 0o644, async (path) => assert.match(await faultOf(path), /may not be executed/)));

test("an_older_resnetc_is_told", options, () =>
  withScript("exit 2", 0o755, async (path) => assert.match(await faultOf(path), /Install a newer resnetc/)));
