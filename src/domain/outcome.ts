import type { LedgerErrorCode } from "../errors.ts";
import type { LedgerEvent, PolicyData } from "../events/events.ts";

/** All that a decision takes from the world. Ids are used or not; `now` is ISO 8601 and not before the last event. */
export interface Facts {
  readonly now: string;
  readonly modelId: string;
  readonly deploymentId: string;
  /** What holds where the project's policy says nothing. */
  readonly defaults: PolicyData;
}

export interface Refusal {
  readonly code: LedgerErrorCode;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export type Accepted = { readonly events: readonly LedgerEvent[] };
export type Refused = { readonly refusal: Refusal };

/** Events to append (none when there is nothing to do), or why not. */
export type Outcome = Accepted | Refused;

export const accept = (...events: LedgerEvent[]): Accepted => ({ events });

export const refuse = (
  code: LedgerErrorCode,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): Refused => ({ refusal: { code, message, details } });
