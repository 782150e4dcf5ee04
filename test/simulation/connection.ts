import { LedgerError } from "../../src/errors.ts";
import type { Fault, FaultPlan } from "./faults.ts";
import type { Machine } from "./machine.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedServer } from "./server.ts";

/** What a store answers in at the latest: SQLite waits so long for the lock, the EventStoreDB adapter for an answer. */
const DEADLINE_MS = { sqlite: 30_000, eventstoredb: 10_000 } as const;

export interface Surroundings {
  readonly server: SimulatedServer;
  readonly machine: Machine;
  readonly scheduler: Scheduler;
  readonly faults: FaultPlan;
  /** Of a request or an answer on its way: the typical time. */
  readonly latencyMs: number;
  readonly pageSize: number;
}

export interface Connection extends Surroundings {
  readonly deadlineMs: number;
  /** How long the next thing takes on its way. */
  delayMs(): number;
  strikes(fault: Fault): boolean;
  unavailable(what: string, why: string): LedgerError;
  /** There and back again, each taking its time; the answer may be spoilt, or come too late. */
  ask<Result>(what: string, work: () => Promise<Result>, spoil?: "answer lost" | "never answered"): Promise<Result>;
  /** An error that comes after a while, of something that was never carried out. */
  fail(what: string, why: string): Promise<never>;
}

/** The network or the disk between a process and the store. */
export function connection(surroundings: Surroundings): Connection {
  const { server, machine, scheduler, faults, latencyMs } = surroundings;
  const { kind } = server;
  const { random } = machine;
  const deadlineMs = DEADLINE_MS[kind];

  const delayMs = (): number => random.logUniform(latencyMs / 10, latencyMs * 10);
  const strikes = (fault: Fault): boolean => faults.strikes(fault, random);
  const unavailable = (what: string, why: string): LedgerError =>
    new LedgerError("STORE_UNAVAILABLE", `the simulated ${kind} failed to ${what}: ${why}`);

  function ask<Result>(what: string, work: () => Promise<Result>, spoil?: "answer lost" | "never answered") {
    return new Promise<Result>((resolve, reject) => {
      let isOver = false;
      function settle(how: () => void): void {
        if (isOver || !machine.isAlive) return;
        isOver = true;
        stopWaiting();
        how();
      }
      const stopWaiting = scheduler.after(deadlineMs, () =>
        settle(() => reject(unavailable(what, "no answer in time"))),
      );
      function answer(how: () => void): void {
        if (spoil === "never answered") return;
        const said = spoil === undefined ? how : () => reject(unavailable(what, "the answer was lost"));
        scheduler.after(delayMs(), () => settle(said));
      }
      scheduler.after(delayMs(), () =>
        server.arrive({
          isGivenUp: () => isOver || !machine.isAlive,
          carryOut() {
            // What a process hands to its file dies with it; what is on the wire arrives.
            if (kind === "sqlite" && !machine.isAlive) return;
            work().then(
              (result) => answer(() => resolve(result)),
              (error: unknown) => answer(() => reject(error)),
            );
          },
        }),
      );
    });
  }

  function fail(what: string, why: string): Promise<never> {
    return new Promise((_, reject) =>
      scheduler.after(delayMs(), () => {
        if (machine.isAlive) reject(unavailable(what, why));
      }),
    );
  }

  return { ...surroundings, deadlineMs, delayMs, strikes, unavailable, ask, fail };
}
