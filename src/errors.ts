/** Every code a {@link LedgerError} can carry. Each edge (HTTP, command line) maps all of them, or does not compile. */
export type LedgerErrorCode =
  | "INVALID_INPUT"
  | "PROJECT_NOT_FOUND"
  | "MODEL_NOT_FOUND"
  | "DEPLOYMENT_NOT_FOUND"
  | "SUBSCRIPTION_NOT_FOUND"
  | "WEBHOOK_NOT_FOUND"
  | "TOKEN_NOT_FOUND"
  | "TASK_REQUIRED"
  | "TASK_MISMATCH"
  | "NO_QUALIFIED_MODEL"
  | "NO_SCORED_MODEL"
  | "NO_PREVIOUS_DEPLOYMENT"
  | "NO_ACTIVE_MODEL"
  | "MODEL_RETIRED"
  | "PROJECT_FROZEN"
  | "REASON_REQUIRED"
  | "COMMAND_REUSED"
  | "CONFLICT"
  | "STORE_UNAVAILABLE"
  | "CORRUPT"
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "TOO_LARGE"
  | "RATE_LIMITED"
  | "ABORTED"
  | "CLOSED";

/**
 * The one error class of model-ledger. `message` tells the whole story in a sentence or two; `details` holds the same
 * facts as data (plain JSON values, so that every edge can print them).
 */
export class LedgerError extends Error {
  override readonly name = "LedgerError";
  readonly code: LedgerErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: LedgerErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}
