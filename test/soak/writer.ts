import { setTimeout as delay } from "node:timers/promises";
import { type Ledger, LedgerError, openLedger } from "../../src/index.ts";
import type { Outcome } from "../simulation/history.ts";
import { Random } from "../simulation/random.ts";
import { drawStep, give, type Order } from "../simulation/steps.ts";
import type { Task, Told } from "./messages.ts";

/**
 * A process that gives orders to its ledger until it is told to finish or is killed, and repeats each until it knows
 * what became of it. Beside that it follows one project and reads the log as it grows.
 */
const task = JSON.parse(process.argv[2] ?? "", (key, value) =>
  key === "expectedRevision" && value !== "no_stream" ? BigInt(value as string) : value,
) as Task;
const { name, seed, projects } = task;
const random = new Random(seed, name);
const received: string[] = [];
let models = 0;
let calls = 0;
let isFinishing = false;

function tell(told: Told): void {
  process.send?.(told);
}

async function opened(): Promise<Ledger> {
  for (;;) {
    try {
      return await openLedger(task.url, { actor: name });
    } catch (error) {
      if (!(error instanceof LedgerError && error.code === "STORE_UNAVAILABLE")) throw error;
      await delay(200);
    }
  }
}

function outcomeOf(error: unknown): { readonly outcome: Outcome; readonly why?: string } {
  if (!(error instanceof LedgerError)) throw error;
  const { code, message, cause } = error;
  const why = cause instanceof Error ? `${message} (${cause.message})` : message;
  return { outcome: code === "STORE_UNAVAILABLE" ? { kind: "unknown" } : { kind: "refused", code }, why };
}

async function carryOut(ledger: Ledger, order: Order): Promise<void> {
  for (;;) {
    const call = `${name}.${++calls}`;
    tell({ kind: "asks", call, order });
    const heard = await give(ledger, order, call).then(
      (answer) => ({ outcome: { kind: "accepted" as const, answer } }),
      outcomeOf,
    );
    tell({ kind: "hears", call, ...heard });
    const { outcome } = heard;
    if (outcome.kind === "accepted" && order.step.do === "train")
      models = Math.max(models, outcome.answer.version ?? 0);
    if (outcome.kind !== "unknown" || order.commandId === undefined) return;
    await delay(random.between(20, 300));
  }
}

async function listen(ledger: Ledger): Promise<void> {
  for (;;) {
    try {
      for await (const { position } of ledger.subscribe({ from: received.at(-1) ?? "start" })) received.push(position);
      return;
    } catch (error) {
      if (!(error instanceof LedgerError && error.code === "STORE_UNAVAILABLE")) throw error;
      await delay(100);
    }
  }
}

async function work(): Promise<void> {
  const ledger = await opened();
  void listen(ledger);
  for (const order of task.pending) await carryOut(ledger, order);
  for (let number = 1; !isFinishing; number++) {
    const hasId = random.chance(0.8);
    const step = drawStep(random, { models, nowMs: Date.now() });
    const order = { number, project: random.pick(projects), step, dryRun: false, reason: "soak" };
    await carryOut(ledger, hasId ? { ...order, commandId: `${name}-${number}` } : order);
  }
  const [project = ""] = projects;
  const follower = await ledger.follow(project);
  process.on("message", async (end) => {
    const { position } = end as { readonly position: string };
    for (let tries = 0; tries < 600 && (received.at(-1) ?? "") < position; tries++) await delay(50);
    tell({ kind: "finished", received, serves: follower.current?.number });
    await ledger.close();
    process.disconnect();
  });
  process.send?.("quiet");
}

process.on("message", (message) => {
  if (message === "finish") isFinishing = true;
});
process.on("uncaughtException", (error) => {
  tell({ kind: "broken", why: error.stack ?? String(error) });
  process.exitCode = 1;
  setTimeout(() => process.exit(), 100);
});
await work();
