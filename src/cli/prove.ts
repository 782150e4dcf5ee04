import { LedgerError } from "../errors.ts";
import { type CliCommand, given, type Options, type Session } from "./command.ts";
import { readWhole, writeWhole } from "./files.ts";
import { privateKeyIn } from "./keys.ts";
import { withProgress } from "./progress.ts";
import { onWholeLog } from "./verification.ts";

const KEY = ["--key <file>", "what signs the checkpoint in it (or MODEL_LEDGER_KEY)"] as const;
const OUT = ["--out <file>", "write it there, whole or not at all (default: standard output)"] as const;
const ENVIRONMENT = ["--environment <name>", "whose number it is (default: production)"] as const;

/** A deployment as the command line names it: by its number in an environment, or by its id. */
function deploymentIn(project: string, deployment: string, options: Options) {
  const which = /^\d{1,15}$/.test(deployment) ? { number: Number(deployment) } : { deploymentId: deployment };
  return { project, ...which, ...given(options, "environment") };
}

async function hand(session: Session, text: string, { out: file }: Options, what: string): Promise<undefined> {
  const { out } = session;
  if (typeof file !== "string") {
    out.text(text);
    return undefined;
  }
  session.refuseDryRun("--out");
  await writeWhole(file, [text]);
  out.result({ file }, file, () =>
    out.say(`${what} written to ${file}; \`model-ledger verify\` checks it, without the ledger`),
  );
  return undefined;
}

export const receipt: CliCommand = {
  group: "Prove",
  signature: "receipt <project> <deployment>",
  summary: "what happened, why, and the proof of it, in one file that an auditor checks offline",
  examples: [
    'receipt "Digits" 3 --key ledger.key --out digits-3.json',
    "verify --receipt digits-3.json --public-key ledger.key.pub",
  ],
  configure: (command) =>
    command
      .option(...ENVIRONMENT)
      .option(...KEY)
      .option(...OUT),
  async run(session, [project = "", deployment = ""], options) {
    const key = privateKeyIn(options);
    const ledger = await session.mustExist();
    const input = { ...deploymentIn(project, deployment, options), key, signal: session.signal };
    return onWholeLog(
      session,
      () => withProgress(session.out, "verified", (onProgress) => ledger.receipt({ ...input, onProgress })),
      (text) => hand(session, text, options, "receipt"),
    );
  },
};

export const prove: CliCommand = {
  group: "Prove",
  signature: "prove [project] [deployment]",
  summary: "that a deployment is in the log, or that one checkpoint goes on from another",
  examples: [
    'prove "Digits" 3 --key ledger.key --out proof.json',
    "prove --older monday.txt --newer friday.txt --out proof.json",
    "verify --proof proof.json --public-key ledger.key.pub",
  ],
  configure: (command) =>
    command
      .option("--older <file>", "a checkpoint")
      .option("--newer <file>", "a later one, whose log begins with all of it")
      .option(...ENVIRONMENT)
      .option(...KEY)
      .option(...OUT),
  async run(session, [project, deployment], options) {
    const { out, signal } = session;
    const { older, newer } = options;
    if (typeof older === "string" && typeof newer === "string" && project === undefined) {
      const checkpoints = { older: readWhole(older), newer: readWhole(newer), signal };
      const ledger = await session.mustExist();
      return onWholeLog(
        session,
        () => withProgress(out, "verified", (onProgress) => ledger.proveConsistency({ ...checkpoints, onProgress })),
        (text) => hand(session, text, options, "consistency proof"),
      );
    }
    if (project === undefined || deployment === undefined || older !== undefined || newer !== undefined) {
      throw new LedgerError(
        "INVALID_INPUT",
        "name a project and a deployment, or two checkpoints with --older and --newer",
      );
    }
    const key = privateKeyIn(options);
    const ledger = await session.mustExist();
    const input = { ...deploymentIn(project, deployment, options), key, signal };
    return onWholeLog(
      session,
      () => withProgress(out, "verified", (onProgress) => ledger.proveInclusion({ ...input, onProgress })),
      (text) => hand(session, text, options, "inclusion proof"),
    );
  },
};
