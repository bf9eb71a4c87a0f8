/** Whether the command that the settings name can be a language server. */

import { execFile } from "node:child_process";

/** Milliseconds that the command may take to print its help. */
const PATIENCE = 10_000;

/** What is wrong with a command, in words for the user; nothing if it has a language server. */
export function faultOf(command: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const told = (error: Error | null) => resolve(error ? explain(command, error) : undefined);
    try {
      execFile(command, ["lsp", "--help"], { timeout: PATIENCE }, told);
    } catch (error) {
      // Names that no system takes, such as an empty one.
      resolve(explain(command, error as Error));
    }
  });
}

function explain(command: string, error: Error): string {
  const { code, killed } = error as { code?: unknown; killed?: boolean };
  if (killed) {
    return `\`${command} lsp --help\` did not end within ${PATIENCE / 1000} seconds.`;
  }
  switch (code) {
    case "ENOENT":
      return `There is no command \`${command}\`. Install resnetc, or set \`resnetc.path\` to where it is.`;
    case "EACCES":
      return `\`${command}\` may not be executed. Set \`resnetc.path\` to the command resnetc.`;
  }
  return typeof code === "number"
    ? `\`${command}\` has no language server: \`${command} lsp\` is not known to it. Install a newer resnetc.`
    : `\`${command}\` cannot be started: ${error.message}`;
}
