// What the extension does with the language server, with stand-ins for VS Code and its client.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";
import { buildSync } from "esbuild";

const source = new URL("../src/extension.ts", import.meta.url).pathname;
const external = ["vscode", "vscode-languageclient/node"];
const [built] = buildSync({ entryPoints: [source], bundle: true, external, platform: "node", write: false }).outputFiles;

/** The extension as it runs where `resnetc.path` is `settings.path`, and a list of what it does. */
function extension(settings) {
  const done = [];
  const registered = {};
  const vscode = {
    commands: {
      registerCommand: (name, run) => (registered[name] = run),
      executeCommand: async (...command) => done.push(command.join(" ")),
    },
    window: {
      showErrorMessage: async (message, button) => {
        done.push(message);
        return button;
      },
    },
    workspace: {
      getConfiguration: () => ({ get: () => settings.path }),
      onDidChangeConfiguration: (run) => (registered.change = () => run({ affectsConfiguration: () => true })),
    },
  };
  class LanguageClient {
    constructor(_id, _name, { command, args }, { documentSelector }) {
      this.started = `${command} ${args.join(" ")}`;
      this.languages = documentSelector.map(({ scheme, language }) => `${scheme}:${language}`).join(" ");
    }
    async start() {
      done.push(`start ${this.started} ${this.languages}`);
      if (settings.broken) {
        throw new Error("broken");
      }
    }
    async dispose() {
      done.push("dispose");
    }
  }
  const stood = { vscode, "vscode-languageclient/node": { LanguageClient } };
  const module = { exports: {} };
  const require = createRequire(import.meta.url);
  new Function("require", "module", "exports", built.text)((name) => stood[name] ?? require(name), module, module.exports);
  return { ...module.exports, registered, done };
}

/** A command that takes any arguments and succeeds. */
const SERVER = "true";
const STARTED = "start true lsp file:resnet untitled:resnet";
const options = { skip: process.platform === "win32" && "there is no command `true`" };

test("a_missing_command_is_told_with_a_way_to_the_setting", async () => {
  const { activate, done } = extension({ path: "no-such-resnetc" });
  await activate({ subscriptions: [] });
  await new Promise(setImmediate);
  assert.match(done[0], /no command `no-such-resnetc`/);
  assert.deepEqual(done.slice(1), ["workbench.action.openSettings resnetc.path"]);
});

test("the_server_is_started_once_and_stopped_at_the_end", options, async () => {
  const { activate, deactivate, done } = extension({ path: SERVER });
  await activate({ subscriptions: [] });
  await deactivate();
  assert.deepEqual(done, [STARTED, "dispose"]);
});

test("restarts_wait_for_one_another", options, async () => {
  const { activate, registered, done } = extension({ path: SERVER });
  activate({ subscriptions: [] });
  registered.change();
  await registered["resnetc.restart"]();
  assert.deepEqual(done, [STARTED, "dispose", STARTED, "dispose", STARTED]);
});

test("after_a_server_that_cannot_start_another_can", options, async () => {
  const settings = { path: SERVER, broken: true };
  const { activate, registered, done } = extension(settings);
  await activate({ subscriptions: [] });
  settings.broken = false;
  await registered["resnetc.restart"]();
  assert.deepEqual(done, [STARTED, "dispose", STARTED]);
});
