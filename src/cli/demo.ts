import cliProgress from "cli-progress";
import { LedgerError } from "../errors.ts";
import type { Ledger, TrainingResult } from "../index.ts";
import { history, leaderboard, timeline } from "./ask.ts";
import { type CliCommand, type Session, wholeNumber } from "./command.ts";
import { nameOf, othersOf, printDeployment } from "./describe.ts";

const PROJECT = "Handwritten Digit Image Classifier";
/** Neither the program's default nor MODEL_LEDGER_STORE: nothing leaves a ledger again, so the demo stays out of a real one. */
const DEMO_STORE = "sqlite:./demo-ledger.db";

/** 500 held-out digits say no more than this. */
const fourDecimals = (value: number): number => Number(value.toFixed(4));

function heading(session: Session, text: string): void {
  session.out.line(`\n${session.out.colors.bold(text)}`);
}

async function trainAll(session: Session, ledger: Ledger, seed: number): Promise<TrainingResult[]> {
  const { loadDigits } = await import("../demo/digits.ts");
  const { trainAndScore, trainers } = await import("../demo/trainers.ts");
  const { out } = session;
  const digits = loadDigits(seed);
  const [known, unseen] = [digits.training.length, digits.heldOut.length];
  heading(
    session,
    `Training ${trainers.length} models on ${known} real digits, scoring them on ${unseen} others (seed ${seed})`,
  );
  const bar = out.isTerminal
    ? new cliProgress.SingleBar({ format: "{bar} {value}/{total} {what}", clearOnComplete: true, stream: out.stderr })
    : undefined;
  bar?.start(trainers.length, 0, { what: "" });
  const results: TrainingResult[] = [];
  try {
    for (const trainer of trainers) {
      session.signal.throwIfAborted();
      bar?.update(results.length, { what: trainer.algorithm });
      const { metrics, artifact, seconds } = await trainAndScore(trainer, digits, seed);
      const result = await ledger.recordTraining({
        project: PROJECT,
        task: "classification",
        algorithm: trainer.algorithm,
        metrics: {
          f1: fourDecimals(metrics.f1),
          accuracy: fourDecimals(metrics.accuracy),
          precision: fourDecimals(metrics.precision),
          recall: fourDecimals(metrics.recall),
        },
        hyperparams: { ...trainer.hyperparams, seed },
        snapshot: digits.snapshot,
        artifact: { uri: `memory:${trainer.algorithm}`, digest: artifact.digest },
        labels: { demo: "yes", trainedInSeconds: seconds.toFixed(1) },
        ...(session.globals.actor !== undefined && { actor: session.globals.actor }),
      });
      results.push(result);
      bar?.stop();
      const f1 = String(result.metrics.f1);
      const verdict = result.deployed ? out.colors.green("deployed") : out.colors.dim("kept");
      out.line(
        `version ${result.version}  ${result.algorithm.padEnd(20)}  f1 ${f1.padEnd(6)}  ${verdict}: ${result.because}`,
      );
      if (results.length < trainers.length) bar?.start(trainers.length, results.length, { what: trainer.algorithm });
    }
  } finally {
    bar?.stop();
  }
  return results;
}

/** Every strategy once, each printed as the program's own `deploy` prints it. Gives a moment in between. */
async function deployEachWay(session: Session, ledger: Ledger, results: readonly TrainingResult[]): Promise<string> {
  const worst = results.reduce((low, one) => ((one.metrics.f1 ?? 0) < (low.metrics.f1 ?? 0) ? one : low));
  const ways = [
    [{ strategy: "best_score" }, "the weekly check"],
    [{ strategy: "best_score", algorithm: "decision_tree" }, "the regulator wants a model that explains itself"],
    [{ strategy: "most_recent" }, "try the newest on real traffic"],
    [{ strategy: "rollback" }, "the newest answers too slowly"],
    [{ strategy: "rollback" }, "it was the network after all"],
    [{ model: worst.version }, "the control group of an experiment"],
  ] as const;
  let between = "";
  for (const [choice, reason] of ways) {
    const words = Object.entries(choice)
      .map(([option, value]) => `--${option} ${value}`)
      .join(" ");
    heading(session, `model-ledger deploy "${PROJECT}" ${words} --reason "${reason}"`);
    const { actor } = session.globals;
    const result = await ledger.deploy({ project: PROJECT, ...choice, reason, ...(actor !== undefined && { actor }) });
    printDeployment(session.out, result, await othersOf(ledger, result));
    if (choice === ways[2][0]) between = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5)); // so that each stretch of the timeline has a length
  }
  return between;
}

async function ask(session: Session, ledger: Ledger, between: string): Promise<void> {
  heading(session, "Who put what where, and why? (model-ledger history)");
  await history.run(session, [PROJECT], { limit: 10 });
  heading(session, "When did each serve? (model-ledger timeline)");
  await timeline.run(session, [PROJECT], {});
  heading(session, "Which is best? (model-ledger leaderboard)");
  await leaderboard.run(session, [PROJECT], { limit: 5 });
  heading(session, `What was serving at ${between}? (model-ledger active --at)`);
  const past = await ledger.activeModel(PROJECT, { at: new Date(between) });
  session.out.line(past ? `${nameOf(past)}, deployed by ${past.actor}: ${past.reason ?? past.strategy}` : "nothing");
  heading(session, "Why is it what it is now? (model-ledger explain)");
  const now = await ledger.activeModel(PROJECT);
  if (now) session.out.line((await ledger.explain({ project: PROJECT, number: now.number })).sentence);
  heading(session, "Has anybody changed the past? (model-ledger verify)");
  const { ok, events } = await ledger.verify();
  session.out.line(
    ok ? `${events} events verified: every hash follows from the one before` : "yes: the chain is broken",
  );
}

export const demo: CliCommand = {
  group: "Watch and check",
  signature: "demo",
  summary: "train real models on real digits, deploy them in every way, ask about it (./demo-ledger.db unless --store)",
  examples: ["demo", "demo --seed 7 --store sqlite:./digits.db"],
  configure: (command) =>
    command
      .option("--seed <number>", "another seed, other digits and other scores", wholeNumber, 1)
      .hook("preAction", ({ parent }) => {
        if (parent?.getOptionValueSource("store") !== "cli") parent?.setOptionValue("store", DEMO_STORE);
      }),
  async run(session, _args, { seed }) {
    if (session.out.style.json || session.globals.dryRun) {
      throw new LedgerError("INVALID_INPUT", "the demo is a story for people: run it without --json and --dry-run");
    }
    const ledger = await session.forWriting();
    if (await ledger.activeModel(PROJECT)) {
      session.out.line(
        `${ledger.address} has seen this demo before, which goes on there. Delete the file to begin afresh.`,
      );
    }
    const results = await trainAll(session, ledger, Number(seed));
    const between = await deployEachWay(session, ledger, results);
    await ask(session, ledger, between);
    const { store } = session.globals;
    if (store === "memory:") {
      heading(session, "The ledger was in memory and is gone now. Without --store it stays, in a file.");
      return undefined;
    }
    heading(session, `The ledger is ${ledger.address}. Try:`);
    for (const command of [
      `history "${PROJECT}"`,
      `rollback "${PROJECT}" --reason "my turn"`,
      `explain "${PROJECT}" 3`,
    ]) {
      session.out.line(`  npx model-ledger ${command} --store "${store}"`);
    }
    return undefined;
  },
};
