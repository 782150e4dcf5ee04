import { LedgerError } from "../errors.ts";
import { type Verification, type VerifyOptions, verifyExport } from "../index.ts";
import { type CliCommand, given, type Session } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { linesOf } from "./files.ts";
import { withProgress } from "./progress.ts";

export const verify: CliCommand = {
  group: "Watch and check",
  signature: "verify",
  summary: "recompute the hash chain of every project, up to the first event that breaks one",
  examples: ["verify", 'verify --project "Digits" --json', "verify --from-export ledger.ndjson"],
  configure: (command) =>
    command
      .option("--project <name>", "only this project")
      .option("--from-export <file>", "of the events in an export, without the ledger"),
  async run(session, _args, options) {
    const result =
      typeof options.fromExport === "string"
        ? await ofExport(session, options.fromExport, options.project)
        : await ofLedger(session, given(options, "project"));
    return report(session, result);
  },
};

async function ofLedger(session: Session, query: VerifyOptions): Promise<Verification> {
  const ledger = await session.mustExist();
  return withProgress(session.out, "verified", (onProgress) =>
    ledger.verify({ ...query, signal: session.signal, onProgress }),
  );
}

function ofExport(session: Session, path: string, project: unknown): Promise<Verification> {
  if (project !== undefined) {
    throw new LedgerError("INVALID_INPUT", "--from-export verifies all that is in the export: leave --project out");
  }
  return withProgress(session.out, "verified", (onProgress) => verifyExport(linesOf(path), onProgress));
}

function report({ out }: Session, result: Verification): number | undefined {
  const { firstBroken, events, streams } = result;
  if (out.style.json) out.json(result);
  else if (firstBroken) {
    const { line, stream, revision, why } = firstBroken;
    const event = stream === "" ? "" : `event ${revision} of ${stream}`;
    const place = line === undefined ? event : [`line ${line}`, event].filter(Boolean).join(", ");
    const next = `Keep the ${line === undefined ? "file" : "export"} as it is and compare it with a backup`;
    out.stderr.write(`model-ledger: verification failed at ${place}: ${why}. ${next}\n`);
  } else {
    const projects = `${streams} project${streams === 1 ? "" : "s"}`;
    out.line(`${events} events of ${projects} verified: every hash follows from the one before`);
  }
  return result.ok ? undefined : EXIT.verificationFailed;
}
