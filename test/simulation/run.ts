import { LocalLedger } from "../../src/api/local-ledger.ts";
import { streamOf } from "../../src/events/names.ts";
import { Auditor } from "./auditor.ts";
import { violationsOf } from "./check.ts";
import { Client } from "./client.ts";
import { Durable } from "./durable.ts";
import type { Fault } from "./faults.ts";
import { Machine } from "./machine.ts";
import { Random } from "./random.ts";
import { settled } from "./scheduler.ts";
import { Serving, Subscriber } from "./watchers.ts";
import { type Process, type Setting, World } from "./world.ts";

const DAY_MS = 24 * 3_600_000;
/** Faults stop then, whether the clients are through or not. */
const MAX_STORM_MS = 10 * DAY_MS;
/** After the last fault everything that is under way must come to its end in this time: liveness. */
const MAX_CALM_MS = 15 * 60_000;

/** What a follower must have of the latest deployment in the end. */
const SERVED = ["number", "version", "deploymentId", "modelId"] as const;

export interface Report {
  readonly setting: Setting;
  readonly violations: readonly string[];
  readonly commands: number;
  readonly events: number;
  readonly questions: number;
  readonly conflicts: number;
  readonly faults: ReadonlyMap<Fault, number>;
  /** Faults drawn, spared ones included. */
  readonly drawn: number;
  readonly virtualMs: number;
}

/** Lives through one world, and gives what it found wrong. A function of its setting alone. */
export async function run(setting: Setting, trace?: (line: string) => void): Promise<Report> {
  const world = new World(setting, trace);
  await withoutCrash(world, () => new Cast(world).play());
  const violations = await violationsOf(world);
  const { history, server, faults, scheduler } = world;
  for (const violation of violations) world.say("FOUND", () => violation);
  return {
    setting,
    violations,
    commands: history.attempts.length,
    events: server.events,
    questions: history.observations.length,
    conflicts: server.conflicts,
    faults: faults.counts,
    drawn: faults.drawn,
    virtualMs: scheduler.nowMs,
  };
}

/** What would end a real process, an error that nobody catches, is a violation of this world and of no other. */
async function withoutCrash(world: World, play: () => Promise<void>): Promise<void> {
  const crashed = (error: unknown): void =>
    world.wrong(`nobody caught ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.on("unhandledRejection", crashed);
  try {
    await play();
    await settled();
  } catch (error) {
    crashed(error);
  } finally {
    process.off("unhandledRejection", crashed);
  }
}

class Cast {
  readonly #world: World;
  readonly #servings: Serving[] = [];
  readonly #subscribers: Subscriber[] = [];
  readonly #durables: readonly Durable[];
  readonly #fate: Random;
  #isClosing = 0;

  constructor(world: World) {
    this.#world = world;
    this.#fate = new Random(world.setting.seed, "fate");
    this.#durables = Array.from(
      { length: world.setting.durables },
      (_, index) => new Durable(`durable${index}`, index === 0 ? undefined : world.projects[0], world),
    );
  }

  async play(): Promise<void> {
    const { scheduler, processes, setting, history, faults } = this.#world;
    for (const process of processes) this.#start(process);
    this.#world.onAttempt = (process) => void this.#disturb(process);
    for (let number = 1; number <= setting.clients; number++) {
      void new Client(number, this.#world).live();
    }
    const isBroken = () => history.violations.length > 0;
    await scheduler.run(() => isBroken() || this.#world.stepsLeft <= 0, MAX_STORM_MS);
    if (isBroken()) return;

    faults.isOver = true;
    this.#world.say("world", () => "the faults are over");
    this.#world.server.comeBack();
    for (const process of processes) if (process.ledger === undefined) this.#start(process);
    const isQuiet = () =>
      isBroken() || (this.#world.ordersUnderWay === 0 && this.#isClosing === 0 && this.#isUpToDate());
    await this.#expect(isQuiet, () => this.#whatIsMissing());
    if (isBroken()) return;

    const { machine, ledger } = processes[setting.seed % processes.length] ?? {};
    let isAudited = false;
    if (machine && ledger) {
      void new Auditor(this.#world, machine).everything(ledger).then(() => {
        isAudited = true;
      });
    }
    await this.#expect(
      () => isAudited || isBroken(),
      () => "the last audit",
    );
    await this.#compareWithScratch();
    for (const process of processes) void this.#close(process);
    await this.#expect(
      () => this.#isClosing === 0 || isBroken(),
      () => `${this.#isClosing} ledgers that close`,
    );
  }

  async #expect(isDone: () => boolean, missing: () => string): Promise<void> {
    const { scheduler } = this.#world;
    const ending = await scheduler.run(isDone, scheduler.nowMs + MAX_CALM_MS);
    if (ending === "done") return;
    const time = ending === "stuck" ? "for ever" : `longer than ${MAX_CALM_MS / 60_000} minutes`;
    this.#world.wrong(`after the last fault, this waits ${time}: ${missing()}`);
  }

  #start(process: Process): void {
    const machine = this.#world.start(process);
    const { ledger } = process;
    if (ledger === undefined) return;
    for (let count = machine.random.between(0, 2); count > 0; count--) {
      const serving = new Serving(this.#world, machine);
      this.#servings.push(serving);
      void serving.run(ledger);
    }
    if (machine.random.chance(0.5)) {
      const subscriber = new Subscriber(this.#world, machine);
      this.#subscribers.push(subscriber);
      void subscriber.run(ledger);
    }
    for (const durable of this.#durables) void durable.run(ledger, machine);
    if (machine.random.chance(0.7)) void new Auditor(this.#world, machine).run(ledger);
  }

  /** Whatever happens to whole machines happens while somebody works: at most attempts, nothing. */
  async #disturb(process: Process): Promise<void> {
    const { scheduler, faults } = this.#world;
    const random = this.#fate;
    if (!random.chance(0.3)) return;
    await scheduler.sleep(random.logUniform(0.1, 500));
    this.#turnClock(process, random);
    if (faults.strikes("store stopped", random)) await this.#interrupt("stopped", random);
    if (faults.strikes("store unreachable", random)) await this.#interrupt("unreachable", random);
    if (faults.isOver || process.ledger === undefined) return;
    if (faults.strikes("process killed", random)) this.#world.kill(process);
    else if (random.chance(0.04)) await this.#close(process);
    else return;
    await scheduler.sleep(random.logUniform(10, 30_000));
    if (process.ledger === undefined) this.#start(process);
  }

  async #close(process: Process): Promise<void> {
    this.#isClosing += 1;
    await this.#world.stop(process);
    this.#isClosing -= 1;
  }

  #turnClock(process: Process, random: Random): void {
    if (!this.#world.faults.strikes("clock jumped", random)) return;
    const jumpMs = random.logUniform(1, 6 * 3_600_000) * (random.chance(0.5) ? 1 : -1);
    process.clock.offsetMs += jumpMs;
    this.#world.say(process.name, () => `its clock jumps ${(jumpMs / 1000).toFixed(3)} s`);
  }

  async #interrupt(how: "stopped" | "unreachable", random: Random): Promise<void> {
    const { scheduler, server } = this.#world;
    server.leave(how);
    await scheduler.sleep(random.logUniform(10, 120_000));
    server.comeBack();
    this.#world.say("store", () => "is back");
  }

  #isUpToDate(): boolean {
    return this.#late().length === 0;
  }

  /** Followers and subscribers that are not yet where the log is. Cheap: it is asked after every step. */
  #late(): readonly string[] {
    const { server } = this.#world;
    const late: string[] = [];
    for (const subscriber of this.#subscribers) {
      if (subscriber.isAlive && !subscriber.isUpToDate) late.push(subscriber.progress);
    }
    for (const durable of this.#durables) if (!durable.isUpToDate) late.push(durable.progress);
    for (const serving of this.#servings) {
      if (!serving.isAlive) continue;
      const latest = server.latestDeployment(streamOf(serving.project), serving.environment);
      const { serves } = serving;
      const isTrue = SERVED.every((field) => serves?.[field] === latest?.[field]);
      if (!serving.isReady || !isTrue) {
        const [told, wanted] = [serves, latest].map((one) => one && SERVED.map((field) => one[field]).join("/"));
        late.push(`a follower of ${serving.project}/${serving.environment} that serves ${told}, not ${wanted}`);
      }
    }
    return late;
  }

  #whatIsMissing(): string {
    const clients = this.#world.ordersUnderWay === 0 ? [] : [`${this.#world.ordersUnderWay} orders`];
    const closing = this.#isClosing === 0 ? [] : [`${this.#isClosing} ledgers that close`];
    return [...clients, ...closing, ...this.#late()].join("; ");
  }

  /** What each ledger believes, and what a new one makes of snapshots, is what the log alone says. */
  async #compareWithScratch(): Promise<void> {
    const { server, setting, scheduler } = this.#world;
    const machine = new Machine("p9", 1, setting.seed, scheduler, { offsetMs: 0 });
    const options = { runtime: machine.runtime };
    const withSnapshots = new LocalLedger(server.memory, options);
    const fromScratch = new LocalLedger({ ...server.memory, kept: async () => undefined }, options);
    for (const project of this.#world.projects) {
      if (server.headOf(streamOf(project)) === 0) continue;
      const [one, other] = await Promise.all(
        [withSnapshots, fromScratch].map(async (ledger) => {
          const [summary, places] = [await ledger.project(project), await ledger.leaderboard(project)];
          return JSON.stringify([summary, places], (_, value) => (typeof value === "bigint" ? String(value) : value));
        }),
      );
      if (one !== other) this.#world.wrong(`${project}: a snapshot leads to ${one}, and the log to ${other}`);
    }
  }
}
