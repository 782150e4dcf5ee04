import { LedgerError } from "../errors.ts";
import { type Verification, verifyExport } from "../index.ts";
import { type CliCommand, given, type Options, type Session } from "./command.ts";
import { linesOf, readWhole } from "./files.ts";
import { privateKeyIn, publicKeyIn } from "./keys.ts";
import { withProgress } from "./progress.ts";
import { inEvents, inProjects, onWholeLog, report } from "./verification.ts";
import { checkProof } from "./verify-proof.ts";

export const verify: CliCommand = {
  group: "Watch and check",
  signature: "verify",
  summary: "recompute the hash chain of every project, up to the first event that breaks one",
  examples: [
    "verify",
    'verify --project "Digits" --json',
    "verify --from-export ledger.ndjson",
    "verify --checkpoint --key ledger.key > checkpoint.txt",
    "verify --checkpoint checkpoint.txt --public-key ledger.key.pub",
    "verify --receipt digits-3.json --public-key ledger.key.pub",
  ],
  configure: (command) =>
    command
      .option("--project <name>", "only this project")
      .option("--from-export <file>", "of the events in an export, without the ledger; - reads standard input")
      .option("--checkpoint [file]", "print a signed head of the log, or check one that was kept elsewhere")
      .option("--receipt <file>", "a receipt, without the ledger")
      .option("--proof <file>", "a proof of inclusion or consistency, without the ledger")
      .option("--key <file>", "what signs a checkpoint (or MODEL_LEDGER_KEY)")
      .option("--public-key <key|file>", "what it was signed for"),
  async run(session, _args, options) {
    if (options.receipt !== undefined || options.proof !== undefined) return checkProof(session, options);
    if (options.checkpoint === true) return sign(session, options);
    const { fromExport } = options;
    return report(session, await (typeof fromExport === "string" ? ofExport : ofLedger)(session, options));
  },
};

/** The checkpoint to check against, if one is named. */
function against({ checkpoint, ...options }: Options) {
  return typeof checkpoint === "string"
    ? { checkpoint: readWhole(checkpoint), publicKey: publicKeyIn(options) }
    : undefined;
}

async function ofLedger(session: Session, options: Options): Promise<Verification> {
  const query = { ...given(options, "project"), ...against(options), signal: session.signal };
  const ledger = await session.mustExist();
  return withProgress(session.out, "verified", (onProgress) => ledger.verify({ ...query, onProgress }));
}

function ofExport({ out }: Session, options: Options): Promise<Verification> {
  if (options.project !== undefined) {
    throw new LedgerError("INVALID_INPUT", "--from-export verifies all that is in the export: leave --project out");
  }
  const [lines, query] = [linesOf(String(options.fromExport)), against(options)];
  return withProgress(out, "verified", (onProgress) => verifyExport(lines, { ...query, onProgress }));
}

async function sign(session: Session, options: Options): Promise<number | undefined> {
  for (const [option, name] of [
    ["fromExport", "--from-export"],
    ["project", "--project"],
  ] as const) {
    if (options[option] === undefined) continue;
    throw new LedgerError("INVALID_INPUT", `a checkpoint is signed over the whole ledger: leave ${name} out`);
  }
  const key = privateKeyIn(options);
  const { out, signal } = session;
  const ledger = await session.mustExist();
  const act = () => withProgress(out, "verified", (onProgress) => ledger.checkpoint({ key, signal, onProgress }));
  return onWholeLog(session, act, (signed) => {
    if (out.style.json) out.json(signed);
    else {
      out.text(signed.checkpoint);
      out.aside(
        `signed over ${inEvents(signed.size)} of ${inProjects(signed.streams)}: keep it where nobody who writes the ledger can reach it`,
      );
    }
    return undefined;
  });
}
