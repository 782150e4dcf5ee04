import type { ModelRef } from "../domain/commands.ts";
import type { ActiveModel } from "../ledger/active-model.ts";
import type { ReadOptions } from "../ledger/positions.ts";
import type { ModelEntry } from "../ledger/queries.ts";
import type { ActiveModelOptions, Ledger } from "./ledger.ts";

/** What is active, and the revision of the project's last event at that same moment; undefined: no such project. */
export interface ActiveAtRevision {
  readonly model: ActiveModel | undefined;
  readonly revision: bigint | undefined;
}

/** What a service needs of a ledger beside what everybody asks of one. */
export interface ServedLedger extends Ledger {
  /**
   * A number that changes whenever anybody, in any process, commits; costs microseconds. Equal numbers: every answer is
   * still what it was. NaN, which equals nothing, where that cannot be told.
   */
  changeCount(): number;

  activeAtRevision(project: string, options?: ActiveModelOptions): Promise<ActiveAtRevision>;

  /** @throws {LedgerError} PROJECT_NOT_FOUND, MODEL_NOT_FOUND */
  model(project: string, model: ModelRef, options?: ReadOptions): Promise<ModelEntry>;

  /**
   * The position of the last event in the log, undefined while it is empty. Asks the store itself.
   * @throws {LedgerError} STORE_UNAVAILABLE
   */
  head(): Promise<string | undefined>;

  /** How many events the log has after the position (undefined: after its beginning), counted up to 1000. */
  countAfter(position: string | undefined): Promise<number>;

  /** @throws {LedgerError} INVALID_INPUT for what is no position of the store. */
  checkPosition(position: string): void;
}
