import { streamOf } from "../../src/events/names.ts";
import { type Ledger, LedgerError } from "../../src/index.ts";
import type { Machine } from "./machine.ts";
import type { LogEntry } from "./server.ts";
import { isExcused } from "./watchers.ts";
import type { World } from "./world.ts";

const LEASE_MS = 30_000;

/** A durable subscription by its name: it outlives every process that reads it. */
export class Durable {
  readonly name: string;
  readonly project: string | undefined;
  readonly #world: World;
  readonly #handled = new Set<string>();
  /** All up to here is handled, counted in events that it wants. */
  #finished = 0;

  constructor(name: string, project: string | undefined, world: World) {
    this.name = name;
    this.project = project;
    this.#world = world;
    world.server.onKept.push((keptAs, value) => {
      if (keptAs === `subscription/${name}`) this.#kept(value);
    });
  }

  get isUpToDate(): boolean {
    return this.#finished === this.#wanted().length;
  }

  get progress(): string {
    return `the durable subscription ${this.name} that has handled ${this.#finished} of ${this.#wanted().length} events`;
  }

  /** Reads it in one life of a process, for as long as that lasts; others wait for their turn. */
  async run(ledger: Ledger, machine: Machine): Promise<void> {
    const { random } = machine;
    const who = `${machine.name}/${this.name}`;
    try {
      await ledger.subscriptions.run({
        name: this.name,
        ...(this.project !== undefined && { project: this.project }),
        leaseMs: LEASE_MS,
        backOff: { firstMs: 20, maxMs: 2_000 },
        maxAttempts: 1_000_000,
        maxDeaths: Number.POSITIVE_INFINITY,
        observe: (seen) =>
          this.#world.say(who, () => ("event" in seen ? `${seen.kind} ${seen.event.position}` : seen.kind)),
        handle: async ({ position }) => {
          if (random.chance(0.3)) await machine.sleep(random.logUniform(0.1, random.chance(0.02) ? 60_000 : 500));
          if (random.chance(0.05)) throw new Error("the handler fails now and then");
          this.#handle(position);
        },
      });
    } catch (error) {
      const isKilled = error instanceof LedgerError && isExcused(error);
      if (!isKilled) this.#world.wrong(`${who} ended with ${String(error)}`);
    }
  }

  #wanted(): readonly LogEntry[] {
    const { entries } = this.#world.server;
    return this.project === undefined ? entries.all : (entries.of.get(streamOf(this.project)) ?? []);
  }

  #handle(position: string): void {
    const wanted = this.#wanted();
    const next = wanted[this.#finished]?.position;
    if (!this.#handled.has(position) && position !== next) {
      this.#world.wrong(`${this.name} handled ${position} for the first time, and ${next} was next`);
    }
    this.#handled.add(position);
    while (this.#handled.has(wanted[this.#finished]?.position ?? "")) this.#finished += 1;
  }

  #kept(value: string): void {
    const { checkpoint } = JSON.parse(value) as { readonly checkpoint: string | null };
    const next = this.#wanted()[this.#finished]?.position;
    if (checkpoint !== null && next !== undefined && next <= checkpoint) {
      this.#world.wrong(`the checkpoint of ${this.name} is at ${checkpoint}, and ${next} was not handled`);
    }
  }
}
