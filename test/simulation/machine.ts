import type { Runtime } from "../../src/runtime.ts";
import { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** When the simulated world begins. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);

/** One life of a process: from its start to its end or its death. What it did not hand to the store is gone with it. */
export class Machine {
  readonly name: string;
  readonly random: Random;
  readonly scheduler: Scheduler;
  isAlive = true;
  /** Commands that it was given and has not answered. */
  commandsUnderWay = 0;
  /** All that its clock ever said, in milliseconds. */
  readonly readings: number[] = [];
  readonly #onDeath: (() => void)[] = [];
  readonly #clock: { offsetMs: number };
  readonly #idPrefix: string;
  #ids = 0;

  /** `clock` belongs to the computer: it goes on from one life to the next. */
  constructor(name: string, life: number, seed: number, scheduler: Scheduler, clock: { offsetMs: number }) {
    this.name = name;
    this.random = new Random(seed, `${name}/${life}`);
    this.scheduler = scheduler;
    this.#clock = clock;
    const number = Number(name.replace(/\D/g, "")) * 10_000 + life;
    this.#idPrefix = `${number.toString(16).padStart(8, "0")}-0000-7000-8000-`;
  }

  get runtime(): Runtime {
    return {
      now: () => {
        const now = Math.floor(EPOCH_MS + this.scheduler.nowMs + this.#clock.offsetMs);
        this.readings.push(now);
        return now;
      },
      newId: () => this.#idPrefix + (++this.#ids).toString(16).padStart(12, "0"),
      random: () => this.random.next(),
      after: (delayMs, callback) =>
        this.scheduler.after(delayMs, () => {
          if (this.isAlive) callback();
        }),
      sleep: (delayMs) => this.sleep(delayMs),
      actor: this.name,
    };
  }

  /** The earliest and the latest that its clock said since the reading of this number. */
  clockSince(reading: number): readonly string[] {
    const since = this.readings.slice(reading);
    if (since.length === 0) return [];
    return [Math.min(...since), Math.max(...since)].map((time) => new Date(time).toISOString());
  }

  /** Never resolves once the machine is dead. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) =>
      this.scheduler.after(delayMs, () => {
        if (this.isAlive) resolve();
      }),
    );
  }

  onDeath(action: () => void): void {
    this.#onDeath.push(action);
  }

  /** Ends it between two awaits: whatever it was waiting for never comes. */
  kill(): void {
    this.isAlive = false;
    for (const action of this.#onDeath.splice(0)) action();
  }
}
