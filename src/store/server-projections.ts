/**
 * The ledger's folds where the store runs them itself, as types and promises. Only EventStoreDB does.
 */

/** What would make the server's projection the one that it should be; "none" when it is. */
export type ProjectionChange = "create" | "update" | "start" | "none";

export interface PlannedProjection {
  readonly name: string;
  readonly change: ProjectionChange;
  /** The script on the server; `undefined` when it has no such projection. */
  readonly before: string | undefined;
  /** The script that should be there. */
  readonly after: string;
}

export interface ProjectionStatus {
  readonly name: string;
  readonly state: "running" | "starting" | "stopped" | "faulted";
  /** The last event it has folded, as the server writes it: "$ce-modelLedger: 41". */
  readonly position: string;
  /** How much of its category it has folded, 0 to 100; `null` where the server does not know yet. */
  readonly progressPercent: number | null;
  /** Why it is faulted, in the server's words. */
  readonly reason?: string;
}

export interface ServerProjections {
  /** Where it is, for messages: never a password. */
  readonly address: string;

  /**
   * Compares what is on the server with what should be; changes nothing.
   * @throws {LedgerError} STORE_UNAVAILABLE when the server cannot be reached, lets nobody in or runs no projections.
   */
  plan(): Promise<readonly PlannedProjection[]>;

  /**
   * Carries out a change. A script that changed folds everything anew, from the first event: a state that an older
   * script made is never gone on with. It can be repeated wherever it was interrupted.
   */
  apply(planned: PlannedProjection): Promise<void>;

  /** How each fares. One that was just started is waited for, until it runs or fails, for as long as the deadline. */
  status(): Promise<readonly ProjectionStatus[]>;

  close(): Promise<void>;
}
