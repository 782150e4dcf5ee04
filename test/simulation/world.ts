import { LocalLedger } from "../../src/api/local-ledger.ts";
import type { Ledger } from "../../src/index.ts";
import { drawRates, type Fault, FaultPlan, type FaultRates, type StoreKind } from "./faults.ts";
import { History } from "./history.ts";
import { Machine } from "./machine.ts";
import { Random } from "./random.ts";
import { Scheduler } from "./scheduler.ts";
import { SimulatedServer } from "./server.ts";
import { simulatedStore } from "./store.ts";

/** A world, as its seed draws it; whoever cuts a failure down makes it smaller. */
export interface Setting {
  readonly seed: number;
  readonly store: StoreKind;
  /** Processes, each with a ledger of its own, and clients, who turn to any of them. */
  readonly processes: number;
  readonly clients: number;
  readonly projects: number;
  /** Orders that the clients give in all. */
  readonly steps: number;
  readonly faults: FaultRates;
  /** By ordinal: faults that are drawn and do not strike. */
  readonly spared: ReadonlySet<number>;
  readonly latencyMs: number;
  readonly pageSize: number;
  readonly maxCached: number;
  readonly minSnapshotEvents: number;
  readonly skewMs: number;
  /** Durable subscriptions that all processes run. */
  readonly durables: number;
}

export function settingOf(seed: number, steps?: number): Setting {
  const random = new Random(seed, "setting");
  const store = random.pick(["eventstoredb", "sqlite"] as const);
  return {
    seed,
    store,
    processes: random.between(1, 4),
    clients: random.between(1, 6),
    projects: random.pick([1, 1, 2, 3]),
    steps: steps ?? random.between(10, 90),
    faults: random.chance(0.1) ? {} : drawRates(random, store),
    spared: new Set(),
    latencyMs: random.logUniform(0.1, 30),
    pageSize: random.pick([1, 2, 7, 64]),
    maxCached: random.pick([1, 20, 1_000_000]),
    minSnapshotEvents: random.pick([3, 10, 1_000]),
    skewMs: random.chance(0.5) ? 0 : random.logUniform(10, 3_600_000),
    durables: random.pick([0, 0, 1, 2]),
  };
}

/** A process of the cast and the life that it leads just now. */
export interface Process {
  readonly name: string;
  readonly clock: { offsetMs: number };
  lives: number;
  machine: Machine | undefined;
  ledger: Ledger | undefined;
}

/** Thrown to a client whose process died before it answered. */
export const LOST = Symbol("the process died");

export class World {
  readonly setting: Setting;
  readonly scheduler = new Scheduler();
  readonly history = new History();
  readonly server: SimulatedServer;
  readonly faults: FaultPlan;
  readonly processes: Process[];
  readonly projects: readonly string[];
  /** Orders left to give. */
  stepsLeft: number;
  ordersUnderWay = 0;
  /** Told when an attempt begins. */
  onAttempt: (process: Process) => void = () => undefined;
  readonly #trace: ((line: string) => void) | undefined;

  constructor(setting: Setting, trace?: (line: string) => void) {
    this.setting = setting;
    this.#trace = trace;
    this.server = new SimulatedServer(setting.store);
    this.faults = new FaultPlan(setting.faults, setting.spared, (fault, ordinal) =>
      this.say("fault", () => `#${ordinal} ${fault}`),
    );
    this.stepsLeft = setting.steps;
    this.projects = ["Digits", "Irises", "Wines"].slice(0, setting.projects);
    const random = new Random(setting.seed, "clocks");
    this.processes = Array.from({ length: setting.processes }, (_, index) => ({
      name: `p${index + 1}`,
      clock: { offsetMs: (random.next() - 0.5) * 2 * setting.skewMs },
      lives: 0,
      machine: undefined,
      ledger: undefined,
    }));
  }

  /** A line of the trace; `text` is only asked for when somebody reads it. */
  say(who: string, text: () => string): void {
    this.#trace?.(`${(this.scheduler.nowMs / 1000).toFixed(4).padStart(12)} s  ${who.padEnd(9)} ${text()}`);
  }

  wrong(violation: string): void {
    this.say("WRONG", () => violation);
    this.history.wrong(violation);
  }

  strikes(fault: Fault, random: Random): boolean {
    return this.faults.strikes(fault, random);
  }

  /** A new life: a ledger that knows what the store kept, and nothing else. */
  start(process: Process): Machine {
    const { seed, latencyMs, pageSize, maxCached, minSnapshotEvents } = this.setting;
    const { scheduler, server, faults } = this;
    process.lives += 1;
    const machine = new Machine(process.name, process.lives, seed, scheduler, process.clock);
    const store = simulatedStore({ server, machine, scheduler, faults, latencyMs, pageSize });
    process.machine = machine;
    process.ledger = new LocalLedger(store, { runtime: machine.runtime, maxCached }, { minSnapshotEvents });
    this.say(process.name, () => `starts, life ${process.lives}`);
    return machine;
  }

  kill(process: Process): void {
    this.say(process.name, () => "is killed");
    const { machine } = process;
    process.machine = undefined;
    process.ledger = undefined;
    machine?.kill();
  }

  /** Ends a life in good order. */
  async stop(process: Process): Promise<void> {
    this.say(process.name, () => "closes");
    const { machine, ledger } = process;
    process.machine = undefined;
    process.ledger = undefined;
    await ledger?.close();
    await this.scheduler.sleep(0);
    if (machine?.commandsUnderWay)
      this.wrong(`${process.name} closed over ${machine.commandsUnderWay} commands under way`);
    this.say(process.name, () => "is closed");
    machine?.kill();
  }

  /** What `work` comes to, or {@link LOST} when the machine dies first. */
  outlive<Result>(machine: Machine, work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject);
      // The other side of a broken connection notices a little later.
      machine.onDeath(() => this.scheduler.after(1, () => reject(LOST)));
    });
  }
}
