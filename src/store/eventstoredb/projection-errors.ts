import { LedgerError } from "../../errors.ts";
import type { ProjectionStatus } from "../server-projections.ts";
import { toLedgerError } from "./errors.ts";

export type ProjectionFailure = "no such projection" | "already there" | "subsystem off" | "does not compile" | "other";

/** gRPC's UNIMPLEMENTED: nobody answers for projections there. */
const UNIMPLEMENTED = 12;

/** What a call about a projection failed of. The client tells most of these apart in the text of the message alone. */
export function projectionFailure(error: unknown): ProjectionFailure {
  if (!(error instanceof Error)) return "other";
  if ("code" in error && error.code === UNIMPLEMENTED) return "subsystem off";
  if (error.message.includes("received NotFound")) return "no such projection";
  if (error.message.includes("received Conflict")) return "already there";
  if (error.message.includes("Exception was thrown by handler")) return "does not compile";
  return "other";
}

/** "Running", "Stopped (Enabled)", "Faulted (Enabled)", "Preparing", …: the server has a dozen, and adds to them. */
export function projectionState(status: string): ProjectionStatus["state"] {
  if (/^running/i.test(status)) return "running";
  if (/^faulted/i.test(status)) return "faulted";
  if (/^(stopped|aborted|completed)/i.test(status)) return "stopped";
  return "starting";
}

export function projectionError(error: unknown, name: string, address: string): LedgerError {
  const failure = projectionFailure(error);
  if (error instanceof LedgerError || failure === "other") return toLedgerError(error, address);
  const story = {
    "no such projection": `has no projection "${name}" any more: somebody deleted it meanwhile; run it again`,
    "already there": `has a projection "${name}" already: somebody created it meanwhile; run it again`,
    "subsystem off": "runs no projections: start its nodes with --run-projections=All",
    "does not compile": `failed on the projection "${name}": its log says why`,
  }[failure];
  return new LedgerError("STORE_UNAVAILABLE", `the EventStoreDB at ${address} ${story}`, { address }, { cause: error });
}

/** Projections of our own are accepted all the same when only the server's may run: they never start. */
export const onlySystemProjections = (address: string, name: string): LedgerError =>
  new LedgerError(
    "STORE_UNAVAILABLE",
    `the EventStoreDB at ${address} does not start the projection "${name}": start its nodes with --run-projections=All`,
    { address, name },
  );
