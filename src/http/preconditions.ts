import type { FastifyRequest } from "fastify";
import { LedgerError } from "../errors.ts";

function refuse(header: string, message: string): never {
  throw new LedgerError("INVALID_INPUT", `invalid header: ${header}: ${message}`, {
    issues: [{ path: header, message }],
  });
}

/** `If-Match: "<revision>"` is the revision to expect; `If-None-Match: *` that there is no project yet. */
function expectedRevisionOf({ headers }: FastifyRequest): bigint | "no_stream" | undefined {
  const ifMatch = headers["if-match"];
  if (ifMatch !== undefined) {
    const [, revision] = /^\s*"(\d{1,19})"\s*$/.exec(ifMatch) ?? [];
    if (revision === undefined) return refuse("If-Match", 'must be one revision in quotes, for example "3"');
    return BigInt(revision);
  }
  const ifNoneMatch = headers["if-none-match"];
  if (ifNoneMatch === undefined) return undefined;
  return ifNoneMatch.trim() === "*" ? "no_stream" : refuse("If-None-Match", "goes with a command as * only");
}

function commandIdOf({ headers }: FastifyRequest): string | undefined {
  const key = headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (Array.isArray(key)) return refuse("Idempotency-Key", "must be given once");
  // The draft standard writes it in quotes, and everybody else without.
  return /^"(.*)"$/.exec(key)?.[1] ?? key;
}

/** A header and a field of the body may say the same, never different things. */
function same(header: string, fromHeader: unknown, field: string, fromBody: unknown): void {
  if (fromBody !== undefined && String(fromBody) !== String(fromHeader)) {
    refuse(header, `contradicts the body's ${field}: give one of them`);
  }
}

/** What the headers add to a command: `Idempotency-Key` its commandId, `If-Match` its expected revision. */
export function fromHeaders(request: FastifyRequest, body: Readonly<Record<string, unknown>>) {
  const commandId = commandIdOf(request);
  const expectedRevision = expectedRevisionOf(request);
  if (commandId !== undefined) same("Idempotency-Key", commandId, "commandId", body.commandId);
  if (expectedRevision !== undefined) same("If-Match", expectedRevision, "expectedRevision", body.expectedRevision);
  return {
    ...(commandId !== undefined && { commandId }),
    ...(expectedRevision !== undefined && { expectedRevision }),
  };
}
