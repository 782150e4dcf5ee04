import type { Command } from "commander";
import { CommanderError } from "commander";
import { LedgerError, type LedgerErrorCode } from "../errors.ts";
import { EXIT, EXIT_CODES } from "./exit-codes.ts";
import { printable, type Streams, toJson } from "./output.ts";

/** What to do next, where the message does not say it already. */
const NEXT = {
  INVALID_INPUT: "add --help for what it understands",
  TOO_LARGE: undefined,
  PROJECT_NOT_FOUND: "`model-ledger projects` lists what there is",
  MODEL_NOT_FOUND: "`model-ledger models <project>` lists what there is",
  DEPLOYMENT_NOT_FOUND: "`model-ledger history <project>` lists what there is",
  SUBSCRIPTION_NOT_FOUND: "`model-ledger park list` shows what there is",
  TOKEN_NOT_FOUND: "`model-ledger token list` shows what there is",
  WEBHOOK_NOT_FOUND: "`model-ledger webhook list` shows what there is",
  TASK_REQUIRED: "add --task",
  TASK_MISMATCH: "leave --task out, or record it in another project",
  NO_QUALIFIED_MODEL: "`model-ledger models <project>` shows which are there and which are retired",
  NO_SCORED_MODEL:
    "deploy one with --model or --strategy most_recent, or name another metric with `model-ledger policy`",
  NO_PREVIOUS_DEPLOYMENT: "`model-ledger history <project>` shows what was deployed; --model deploys exactly one",
  NO_ACTIVE_MODEL: "`model-ledger deploy <project>` makes a model active, --environment looks elsewhere",
  MODEL_RETIRED: "`model-ledger models <project> --no-retired` lists the others",
  PROJECT_FROZEN: "`model-ledger unfreeze <project>` ends it, --force passes it once",
  REASON_REQUIRED: "add --reason",
  COMMAND_REUSED: "leave --command-id out, or take a new one",
  UNAUTHENTICATED: undefined,
  FORBIDDEN: undefined,
  RATE_LIMITED: undefined,
  ABORTED: undefined,
  CONFLICT: "`model-ledger history <project>` shows what came first",
  STORE_UNAVAILABLE: "--store or MODEL_LEDGER_STORE names another ledger",
  CORRUPT: "`model-ledger verify` looks for the first event that was changed",
  CLOSED: undefined,
} as const satisfies Record<LedgerErrorCode, string | undefined>;

/** Of a file that is no ledger, or is damaged as a whole, no event could be named; and not every file is a ledger's. */
function nextStep({ code, details }: LedgerError): string | undefined {
  if (code === "STORE_UNAVAILABLE" && "file" in details) return undefined;
  if (code !== "CORRUPT" || details.sqlite === undefined) return NEXT[code];
  return details.sqlite === "SQLITE_NOTADB" ? NEXT.STORE_UNAVAILABLE : undefined;
}

/** Says on stderr what went wrong and what to do next, and gives the exit code. What is no refusal is thrown on. */
export function reportFailure(error: unknown, { stderr }: Streams, asJson: boolean, signal: AbortSignal): number {
  if (error instanceof CommanderError && !isUsage(error)) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (isCutShort(error, signal)) return EXIT_CODES.ABORTED;
  const failure = error instanceof CommanderError ? usage(error) : error;
  if (!(failure instanceof LedgerError)) throw failure;
  const { code, message, details } = failure;
  const next = nextStep(failure);
  const lines = [`model-ledger: ${code}: ${printable(message)}`, ...(next === undefined ? [] : [`next: ${next}`])];
  stderr.write(asJson ? `${toJson({ code, message, details })}\n` : `${lines.join("\n")}\n`);
  return EXIT_CODES[code];
}

/** Ended before its time by whoever needs no words for it: Ctrl-C, or output that nobody takes any more. */
function isCutShort(error: unknown, { aborted, reason }: AbortSignal): boolean {
  if (!aborted || error === reason) return aborted;
  const isOfOutput = reason instanceof Error && "syscall" in reason;
  return isOfOutput && error instanceof Error && "code" in error && /^(ABORTED|E[A-Z]+)$/.test(String(error.code));
}

/** Help and version end commander's way too: those are no failures. */
const isUsage = ({ code }: CommanderError): boolean => !/^commander\.(help|version)/.test(code);

/** `error: unknown command 'depoy'` and on a line of its own `(Did you mean deploy?)`. */
function usage({ message, code }: CommanderError): LedgerError {
  const sentence = message.replace(/^error: /, "").replaceAll("\n", " ");
  return new LedgerError("INVALID_INPUT", sentence, { usage: code.replace(/^commander\./, "") });
}

interface Issue {
  readonly path: string;
  readonly message: string;
}

/** The ledger names fields, the command line has options: the same complaint in its words. */
export function inOptions(error: unknown, command: Command): unknown {
  if (!(error instanceof LedgerError) || error.code !== "INVALID_INPUT") return error;
  const issues = error.details.issues as readonly Issue[] | undefined;
  if (issues === undefined || issues.length === 0) return error;
  const known = new Set(withAncestors(command).flatMap(({ options }) => options.map(({ long }) => long)));
  const named = issues.map(({ path, message }) => [optionOf(path, known), message].filter(Boolean).join(": "));
  return new LedgerError("INVALID_INPUT", named.join("; "), error.details, { cause: error });
}

const withAncestors = (command: Command): readonly Command[] =>
  command.parent ? [command, ...withAncestors(command.parent)] : [command];

/** Fields that hold what a repeated option gave, and that option. */
const REPEATED: Readonly<Record<string, string>> = {
  metrics: "--metric",
  hyperparams: "--hyperparam",
  labels: "--label",
  types: "--type",
  scopes: "--scope",
};
/** Of these an option gives one item, which needs no place in the list. */
const LISTS: ReadonlySet<string> = new Set(["types", "scopes"]);

/** `toNumber` is --to-number, `snapshot.rows` --snapshot-rows, `policy.frozen.until` --until, `metrics.f1` --metric f1. */
function optionOf(path: string, known: ReadonlySet<string | null | undefined>): string {
  const [first = "", ...rest] = path.split(".");
  if (first === "types" && known.has("--events")) return "--events";
  const repeated = REPEATED[first];
  if (repeated !== undefined) return [repeated, ...(LISTS.has(first) ? [] : [rest.join(".")])].join(" ").trim();
  const words = path.split(".").map((name) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  const candidates = words.map((_, from) => `--${words.slice(from).join("-")}`);
  return candidates.find((option) => known.has(option)) ?? path;
}
