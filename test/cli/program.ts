import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Tokens } from "../../src/access/tokens.ts";
import { runProgram } from "../../src/cli/program.ts";
import { openLedger, openWithStore } from "../../src/open-ledger.ts";
import { openProjections } from "../../src/open-projections.ts";
import { systemRuntime } from "../../src/runtime.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function tap(isTTY: boolean, columns?: number) {
  const stream = Object.assign(new PassThrough(), { isTTY, ...(columns !== undefined && { columns }) });
  const chunks: string[] = [];
  stream.on("data", (chunk) => chunks.push(String(chunk)));
  return { stream, text: () => chunks.join("") };
}

interface Options {
  /** As if a person sat there. */
  readonly terminal?: boolean;
  /** How wide that terminal is; nobody knows unless given. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
}

/** Runs the program in this process, against a ledger in a folder of its own. */
export function programIn(folder = mkdtempSync(join(tmpdir(), "model-ledger-cli-"))) {
  const store = `sqlite:${join(folder, "ledger.db")}`;
  return async (
    argv: readonly string[],
    { terminal = false, columns, signal = new AbortController().signal }: Options = {},
  ): Promise<Ran> => {
    const [out, err] = [tap(terminal, columns), tap(terminal)];
    const code = await runProgram(["--store", store, ...argv], {
      streams: { stdout: out.stream, stderr: err.stream },
      version: "1.2.3",
      open: openLedger,
      openProjections,
      openTokens: async (url) => {
        const { ledger, store: opened } = await openWithStore(url);
        return { tokens: new Tokens(opened, systemRuntime()), close: () => ledger.close() };
      },
      serve: async () => undefined,
      signal,
    });
    return { code, stdout: out.text(), stderr: err.text() };
  };
}
