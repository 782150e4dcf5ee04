import type { LedgerErrorCode } from "../errors.ts";

/** What the program ends with (CONTRACT §7). */
export const EXIT = {
  done: 0,
  refused: 1,
  usage: 2,
  storeUnreachable: 3,
  lostRace: 4,
  verificationFailed: 5,
  /** As shells report a program that Ctrl-C ended. */
  interrupted: 130,
} as const;

/** A new code without a row does not compile. */
export const EXIT_CODES = {
  INVALID_INPUT: EXIT.usage,
  TOO_LARGE: EXIT.usage,
  PROJECT_NOT_FOUND: EXIT.refused,
  MODEL_NOT_FOUND: EXIT.refused,
  DEPLOYMENT_NOT_FOUND: EXIT.refused,
  SUBSCRIPTION_NOT_FOUND: EXIT.refused,
  WEBHOOK_NOT_FOUND: EXIT.refused,
  TOKEN_NOT_FOUND: EXIT.refused,
  TASK_REQUIRED: EXIT.refused,
  TASK_MISMATCH: EXIT.refused,
  NO_QUALIFIED_MODEL: EXIT.refused,
  NO_SCORED_MODEL: EXIT.refused,
  NO_PREVIOUS_DEPLOYMENT: EXIT.refused,
  NO_ACTIVE_MODEL: EXIT.refused,
  MODEL_RETIRED: EXIT.refused,
  PROJECT_FROZEN: EXIT.refused,
  REASON_REQUIRED: EXIT.refused,
  COMMAND_REUSED: EXIT.refused,
  UNAUTHENTICATED: EXIT.refused,
  FORBIDDEN: EXIT.refused,
  RATE_LIMITED: EXIT.refused,
  ABORTED: EXIT.interrupted,
  CONFLICT: EXIT.lostRace,
  STORE_UNAVAILABLE: EXIT.storeUnreachable,
  // A damaged file is no ledger that could be asked; commands that verify, and can name the damage, end with 5 themselves.
  CORRUPT: EXIT.storeUnreachable,
  CLOSED: EXIT.storeUnreachable,
} as const satisfies Record<LedgerErrorCode, number>;
