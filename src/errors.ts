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

/** @throws {LedgerError} ABORTED, whose cause is the signal's reason. */
export function refuseAborted(signal: AbortSignal | undefined, message?: string): void {
  if (signal?.aborted) throw aborted(signal, message);
}

const aborted = ({ reason: cause }: AbortSignal, message = "the read was aborted"): LedgerError =>
  new LedgerError("ABORTED", message, {}, { cause });

/** What `work` comes to, or ABORTED as soon as `signal` says so; the work goes on for whoever else waits for it. */
export async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return work;
  work.catch(() => undefined);
  const { promise, reject } = Promise.withResolvers<never>();
  const end = () => reject(aborted(signal));
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}
