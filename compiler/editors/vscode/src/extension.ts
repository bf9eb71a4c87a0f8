/** Starts `resnetc lsp` for the specs that are open, and stops it with them. */

import { commands, window, workspace, type ExtensionContext } from "vscode";
import { LanguageClient } from "vscode-languageclient/node";

import { faultOf } from "./command";

let client: LanguageClient | undefined;

/** Ends when the last start or stop that was asked for is done, so that none runs beside another. */
let done = Promise.resolve();

export function activate(context: ExtensionContext): Promise<void> {
  context.subscriptions.push(
    commands.registerCommand("resnetc.restart", restart),
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("resnetc.path")) {
        void restart();
      }
    }),
  );
  return restart();
}

export function deactivate(): Promise<void> {
  done = done.then(stop);
  return done;
}

function restart(): Promise<void> {
  done = done.then(stop).then(start);
  return done;
}

async function start(): Promise<void> {
  const command = workspace.getConfiguration("resnetc").get("path", "resnetc");
  const fault = await faultOf(command);
  if (fault) {
    // Nobody waits for the answer: it may come hours later.
    void complain(fault);
    return;
  }
  const selector = ["file", "untitled"].map((scheme) => ({ scheme, language: "resnet" }));
  client = new LanguageClient("resnetc", "resnetc", { command, args: ["lsp"] }, { documentSelector: selector });
  // The client itself shows why it cannot start.
  await client.start().catch(() => {});
}

async function stop(): Promise<void> {
  const stopped = client;
  client = undefined;
  // One that has failed cannot be stopped, and needs not to be.
  await stopped?.dispose().catch(() => {});
}

async function complain(fault: string): Promise<void> {
  const open = "Open Settings";
  if ((await window.showErrorMessage(fault, open)) === open) {
    await commands.executeCommand("workbench.action.openSettings", "resnetc.path");
  }
}
