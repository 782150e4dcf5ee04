import {
  AccessDeniedError,
  CancelledError,
  convertToCommandError,
  DeadlineExceededError,
  NotLeaderError,
  StreamDeletedError,
  TimeoutError,
  UnavailableError,
  UnknownError,
} from "@eventstore/db-client";
import { LedgerError } from "../../errors.ts";

/** Translates what the client throws; the one place that does. */

/** Nothing came back in time; the call may have been carried out all the same. */
export class NoAnswer extends Error {
  constructor(waitedMs: number) {
    super(`no answer for ${waitedMs / 1_000} s`);
  }
}

/** The server said, in a batch, that it could not do it now. */
export class ServerRefusal extends Error {}

/** Trying again on a new connection may succeed. */
export function isPassing(error: unknown): boolean {
  const known = asCommandError(error);
  return (
    known instanceof NoAnswer ||
    known instanceof ServerRefusal ||
    known instanceof NotLeaderError ||
    known instanceof UnavailableError ||
    known instanceof CancelledError ||
    known instanceof DeadlineExceededError ||
    known instanceof TimeoutError ||
    isBrokenCall(known) ||
    isDiscoveryFailure(known)
  );
}

/** INTERNAL of gRPC: what a call ends in that broke off without a status, as those of a server that goes down do. */
const BROKEN_CALL = 13;

const isBrokenCall = (error: unknown): boolean => error instanceof UnknownError && error.code === BROKEN_CALL;

/** UNKNOWN of gRPC: all that the server says of a read of the log from a position where no event stands. */
const NO_PLACE = 2;

export function isNoPlace(error: unknown): boolean {
  const known = asCommandError(error);
  return known instanceof UnknownError && known.code === NO_PLACE;
}

export const isNotLeader = (error: unknown): boolean => asCommandError(error) instanceof NotLeaderError;

/** Told apart by its text alone: the client throws a plain `Error`. */
const isDiscoveryFailure = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith("Failed to discover");

const asCommandError = (error: unknown): unknown => (error instanceof Error ? convertToCommandError(error) : error);

export function toLedgerError(error: unknown, address: string): LedgerError {
  if (error instanceof LedgerError) return error;
  const known = asCommandError(error);
  const why = error instanceof Error ? error.message : String(error);
  const story = (text: string): LedgerError =>
    new LedgerError("STORE_UNAVAILABLE", `the EventStoreDB at ${address} ${text}`, { address }, { cause: error });
  if (known instanceof AccessDeniedError) {
    return story(`does not let this user in: check the user, the password and what the user may read (${why})`);
  }
  if (known instanceof StreamDeletedError) {
    return new LedgerError(
      "CORRUPT",
      `the stream "${known.streamName}" at ${address} was deleted for ever`,
      { address },
      { cause: error },
    );
  }
  if (isDiscoveryFailure(error))
    return story("has no node that answers: none of the hosts could be asked for the cluster");
  return story(isPassing(error) ? `cannot be reached (${why})` : `failed (${why})`);
}

export const closed = (address: string): LedgerError =>
  new LedgerError("CLOSED", `the store ${address} is closed`, { address });
