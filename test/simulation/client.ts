import { LedgerError } from "../../src/errors.ts";
import { streamOf } from "../../src/events/names.ts";
import { Auditor } from "./auditor.ts";
import type { Attempt, Outcome } from "./history.ts";
import { EPOCH_MS } from "./machine.ts";
import { Random } from "./random.ts";
import { describeOrder, drawStep, give, type Order } from "./steps.ts";
import { LOST, type World } from "./world.ts";

const LONGEST_PAUSE_MS = 12 * 3_600_000;
/** Where leases are renewed all the time, a night is long. */
const LONGEST_PAUSE_WITH_LEASES_MS = 10 * 60_000;

/**
 * Somebody outside who gives orders to whichever process is up, until the world has no steps left. A client knows what
 * it was told and nothing else; it repeats an order that has a commandId until it knows what became of it.
 */
export class Client {
  readonly name: string;
  readonly #world: World;
  readonly #random: Random;
  readonly #seen = new Map<string, { revision: bigint; models: number }>();
  readonly #acknowledged: Order[] = [];
  #orders = 0;
  #calls = 0;

  constructor(number: number, world: World) {
    this.name = `c${number}`;
    this.#world = world;
    this.#random = new Random(world.setting.seed, this.name);
  }

  async live(): Promise<void> {
    const { scheduler, setting } = this.#world;
    const longestMs = setting.durables > 0 ? LONGEST_PAUSE_WITH_LEASES_MS : LONGEST_PAUSE_MS;
    while (this.#world.stepsLeft > 0) {
      const isLong = this.#random.chance(0.02);
      await scheduler.sleep(this.#random.logUniform(1, isLong ? longestMs : 500));
      if (this.#world.stepsLeft <= 0) return;
      this.#world.stepsLeft -= 1;
      const order = this.#draw();
      const isDoubled = order.commandId !== undefined && this.#random.chance(0.08);
      this.#world.ordersUnderWay += 1;
      await Promise.all([this.#carryOut(order), ...(isDoubled ? [this.#carryOut(order)] : [])]);
      this.#world.ordersUnderWay -= 1;
    }
  }

  #draw(): Order {
    const random = this.#random;
    const earlier = this.#acknowledged.at(-random.between(1, 8));
    const draw = random.next();
    if (earlier !== undefined && draw < 0.07) return earlier;
    const project = random.pick(this.#world.projects);
    const seen = this.#seen.get(project);
    this.#orders += 1;
    const number = this.#orders;
    const nowMs = EPOCH_MS + this.#world.scheduler.nowMs;
    const step = drawStep(random, { models: seen?.models ?? 0, nowMs });
    // Another order under the id of an earlier one: it must be refused.
    if (earlier !== undefined && draw < 0.09) return { ...earlier, step, number };
    const isExplained = random.chance(0.85);
    const dryRun = random.chance(0.08);
    const hasId = random.chance(0.65) && !dryRun;
    const isExpecting = random.chance(0.15);
    const lag = random.pick([0n, 0n, 0n, 1n]);
    const isImpatient = random.chance(0.06);
    const abortAfterMs = random.logUniform(0.1, 1_000);
    const expected = seen === undefined || seen.revision < lag ? "no_stream" : seen.revision - lag;
    return {
      number,
      project,
      step,
      dryRun,
      ...(isExplained && { reason: "simulated" }),
      ...(hasId && { commandId: `${this.name}-${number}` }),
      ...(isExpecting && { expectedRevision: expected }),
      ...(isImpatient && { abortAfterMs }),
    };
  }

  async #carryOut(order: Order): Promise<void> {
    const { scheduler } = this.#world;
    for (let tries = 1; ; tries++) {
      const outcome = await this.#attempt(order);
      if (outcome.kind === "accepted") {
        this.#learn(order, outcome);
        if (this.#random.chance(0.3)) this.#lookAt(order.project);
      }
      const isOpen = outcome.kind === "unknown" || (outcome.kind === "refused" && outcome.code === "ABORTED");
      if (!isOpen || order.commandId === undefined || order.abortAfterMs !== undefined) return;
      await scheduler.sleep(this.#random.logUniform(1, Math.min(60_000, 50 * 2 ** tries)));
    }
  }

  #learn(order: Order, { answer }: Extract<Outcome, { kind: "accepted" }>): void {
    const seen = this.#seen.get(order.project);
    const models = Math.max(seen?.models ?? 0, order.step.do === "train" ? (answer.version ?? 0) : 0);
    this.#seen.set(order.project, { revision: answer.revision, models });
    if (order.commandId !== undefined && answer.changed) this.#acknowledged.push(order);
  }

  async #attempt(order: Order): Promise<Outcome> {
    const world = this.#world;
    const process = await this.#anyProcess();
    const { machine, ledger } = process;
    if (machine === undefined || ledger === undefined) return { kind: "unknown" };
    const call = `${this.name}.${++this.#calls}`;
    const stream = streamOf(order.project);
    const headBefore = world.server.headOf(stream);
    const outcome: Outcome = { kind: "unknown" };
    const attempt: Attempt = { call, order, headBefore, headAfter: headBefore, outcome, clock: [] };
    const readings = machine.readings.length;
    world.history.attempts.push(attempt);
    world.onAttempt(process);
    world.say(call, () => `asks ${process.name}: ${describeOrder(order)}`);
    const aborting = order.abortAfterMs === undefined ? undefined : new AbortController();
    if (aborting) world.scheduler.after(order.abortAfterMs ?? 0, () => aborting.abort());
    machine.commandsUnderWay += 1;
    try {
      const answer = await world.outlive(machine, give(ledger, order, call, aborting?.signal));
      attempt.outcome = { kind: "accepted", answer };
    } catch (error) {
      attempt.outcome = this.#outcomeOf(error, call);
    }
    machine.commandsUnderWay -= 1;
    attempt.headAfter = world.server.headOf(stream);
    attempt.clock = machine.clockSince(readings);
    world.say(call, () => `hears ${describeOutcome(attempt.outcome)}`);
    return attempt.outcome;
  }

  #outcomeOf(error: unknown, call: string): Outcome {
    if (error === LOST) return { kind: "unknown" };
    if (!(error instanceof LedgerError)) {
      this.#world.wrong(`${call} failed with ${error instanceof Error ? error.stack : String(error)}`);
      return { kind: "unknown" };
    }
    if (error.code === "CLOSED") this.#world.wrong(`${call} was given before the ledger closed, and not carried out`);
    if (error.code === "STORE_UNAVAILABLE") {
      if (this.#world.faults.drawn === 0)
        this.#world.wrong(`${call} failed although nothing else did: ${error.message}`);
      return { kind: "unknown" };
    }
    return { kind: "refused", code: error.code };
  }

  /** Asks at once, of any process, what has become of a project: what was just acknowledged must be in the answer. */
  #lookAt(project: string): void {
    const { machine, ledger } = this.#random.pick(this.#world.processes);
    const question = this.#random.pick(["active", "summary", "deployments"] as const);
    if (machine && ledger) void new Auditor(this.#world, machine).ask(ledger, project, question);
  }

  async #anyProcess() {
    const { processes, scheduler } = this.#world;
    for (;;) {
      const process = this.#random.pick(processes);
      if (process.ledger !== undefined) return process;
      await scheduler.sleep(this.#random.logUniform(5, 500));
    }
  }
}

function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case "accepted": {
      const { revision, deployed, version } = outcome.answer;
      const what = deployed
        ? `deployed v${deployed.version} as number ${deployed.number}`
        : `version ${version ?? "-"}`;
      return `accepted at revision ${revision}: ${what}`;
    }
    case "refused":
      return `refused: ${outcome.code}`;
    case "unknown":
      return "no answer that says what happened";
  }
}
