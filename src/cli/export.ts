import { LedgerError } from "../errors.ts";
import type { ExportOptions, Imported } from "../index.ts";
import { type CliCommand, given } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { linesOf, withRereadable, writeWhole } from "./files.ts";
import { inChunks, printable } from "./output.ts";
import { withProgress } from "./progress.ts";

export const exportCommand: CliCommand = {
  group: "Watch and check",
  signature: "export",
  summary: "every recorded event, one JSON object a line, for a backup or for `verify --from-export`",
  examples: ["export --out ledger.ndjson", 'export --project "Digits" | gzip > digits.ndjson.gz'],
  configure: (command) =>
    command
      .option("--project <name>", "only this project")
      .option("--out <file>", "write it there, whole or not at all (default: standard output)"),
  async run(session, _args, options) {
    const ledger = await session.mustExist();
    const { out } = session;
    const lines = ledger.export({ ...given(options, "project"), signal: session.signal } as ExportOptions);
    if (typeof options.out !== "string") {
      await out.lines(lines);
      return undefined;
    }
    session.refuseDryRun("--out");
    const path = options.out;
    let events = 0;
    await withProgress(out, "exported", (show) =>
      writeWhole(
        path,
        inChunks(
          counted(lines, (count) => {
            events = count;
            show(count);
          }),
        ),
      ),
    );
    out.result({ events, file: path }, path, () =>
      out.say(`${events} event${events === 1 ? "" : "s"} exported to ${path}`),
    );
    return undefined;
  },
};

async function* counted(lines: AsyncIterable<string>, onCount: (count: number) => void): AsyncGenerator<string> {
  let count = 0;
  for await (const line of lines) {
    yield line;
    count += 1;
    onCount(count);
  }
}

export const importCommand: CliCommand = {
  group: "Watch and check",
  signature: "import <file>",
  summary: "restore an export, - from standard input: the same ids, revisions and hashes; what is there is passed over",
  examples: ["import ledger.ndjson --store sqlite:./restored.db", "import - --dry-run < ledger.ndjson"],
  async run(session, [file = ""]) {
    const { out, signal } = session;
    const dryRun = session.globals.dryRun === true;
    try {
      const imported = await withRereadable(file, (path) =>
        session.write((ledger) =>
          withProgress(out, "imported", (onProgress) =>
            // Where the file is yet to be made it is only tried first: the trial need not hold the export in memory.
            ledger.import(() => linesOf(path), { dryRun: dryRun || ledger.address === "memory:", signal, onProgress }),
          ),
        ),
      );
      const result = dryRun ? { ...imported, dryRun } : imported;
      out.result(result, imported.written, () => out.line(inWords(imported, dryRun)));
      return undefined;
    } catch (error) {
      if (!(error instanceof LedgerError && error.code === "CORRUPT" && "line" in error.details)) throw error;
      const { code, message, details } = error;
      if (out.style.json) out.json({ code, message, details });
      else out.stderr.write(`model-ledger: verification failed: ${printable(message)}. Nothing was imported\n`);
      return EXIT.verificationFailed;
    }
  },
};

function inWords({ events, streams, written }: Imported, dryRun: boolean): string {
  const of = `${events} event${events === 1 ? "" : "s"} of ${streams} project${streams === 1 ? "" : "s"} verified`;
  const there = events - written;
  const rest = there === 0 ? "" : `, ${there} ${there === 1 ? "was" : "were"} there already`;
  return dryRun
    ? `dry run, nothing was written: ${of}, ${written} would be imported${rest}`
    : `${of}, ${written} imported${rest}`;
}
