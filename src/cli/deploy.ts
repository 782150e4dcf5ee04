import type { DeployInput, DeploymentResult, Ledger, PromoteInput } from "../index.ts";
import { type CliCommand, given, type Session, wholeNumber } from "./command.ts";
import { othersOf, printDeployment } from "./describe.ts";

const ENVIRONMENT = ["--environment <name>", "where it is to serve (default: production)"] as const;
const FORCE = ["--force", "even if the project is frozen or the model retired"] as const;
const EXPECTED = [
  "--expected-revision <revision>",
  "refuse if the project has moved on from this revision",
  wholeNumber,
] as const;
const DEPLOYED_AT = ["--deployed-at <time>", "when it took place, ISO 8601; now unless given"] as const;

/** Runs it, and says from what to what. */
async function show(session: Session, act: (ledger: Ledger) => Promise<DeploymentResult>): Promise<undefined> {
  const ledger = await session.existing();
  const result = await act(ledger);
  const wantsStory = !session.out.style.json && !session.out.style.quiet;
  const others = wantsStory ? await othersOf(ledger, result).catch(() => ({})) : {}; // it is done, whatever we can tell
  session.out.result(result, result.version, () => printDeployment(session.out, result, others));
  return undefined;
}

export const deploy: CliCommand = {
  group: "Record and deploy",
  signature: "deploy <project>",
  summary: "make a model active: the best, the newest, the one before, or one by name",
  examples: [
    'deploy "Digits"',
    'deploy "Digits" --strategy most_recent --algorithm svm',
    'deploy "Digits" --model 3 --reason "the customer asked for it"',
    'deploy "Digits" --strategy rollback --dry-run',
  ],
  configure: (command) =>
    command
      .option("--strategy <name>", "best_score (default), most_recent, rollback or specific")
      .option("--algorithm <name>", "only models of this algorithm")
      .option("--model <version|id>", "exactly this model")
      .option("--steps <count>", "with rollback: so many models back", wholeNumber)
      .option("--to-number <number>", "with rollback: to the model of this deployment", wholeNumber)
      .option(...ENVIRONMENT)
      .option(...FORCE)
      .option(...DEPLOYED_AT)
      .option(...EXPECTED),
  run(session, [project = ""], options) {
    const names = ["strategy", "algorithm", "model", "steps", "toNumber", "environment", "force", "deployedAt"];
    const input = {
      project,
      ...given(options, ...names, "expectedRevision"),
      ...session.commandOptions,
    } as DeployInput;
    return show(session, (ledger) => ledger.deploy(input));
  },
};

export const rollback: CliCommand = {
  group: "Record and deploy",
  signature: "rollback <project>",
  summary: "go back to the model that was active before",
  examples: ['rollback "Digits" --reason "error rate doubled"', 'rollback "Digits" --to-number 4'],
  configure: (command) =>
    command
      .option("--steps <count>", "so many models back (default: 1)", wholeNumber)
      .option("--to-number <number>", "to the model of this deployment", wholeNumber)
      .option("--algorithm <name>", "only to models of this algorithm")
      .option(...ENVIRONMENT)
      .option(...FORCE)
      .option(...DEPLOYED_AT)
      .option(...EXPECTED),
  run(session, [project = ""], options) {
    const names = ["algorithm", "steps", "toNumber", "environment", "force", "deployedAt", "expectedRevision"];
    const input = { project, ...given(options, ...names), ...session.commandOptions };
    return show(session, (ledger) => ledger.rollback(input));
  },
};

export const promote: CliCommand = {
  group: "Record and deploy",
  signature: "promote <project>",
  summary: "deploy into one environment what is active in another",
  examples: ['promote "Digits" --from staging --to production --reason "passed the smoke test"'],
  configure: (command) =>
    command
      .requiredOption("--from <environment>", "where the model is active")
      .requiredOption("--to <environment>", "where it is to serve as well")
      .option(...FORCE)
      .option(...DEPLOYED_AT)
      .option(...EXPECTED),
  run(session, [project = ""], options) {
    const names = ["from", "to", "force", "deployedAt", "expectedRevision"];
    const input = { project, ...given(options, ...names), ...session.commandOptions } as PromoteInput;
    return show(session, (ledger) => ledger.promote(input));
  },
};
