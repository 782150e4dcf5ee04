import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { validated } from "../domain/commands.ts";
import { LedgerError } from "../errors.ts";
import { CommandId } from "../events/names.ts";

/** As the document shows them; Node gives their names in small letters. */
export const CommandHeaders = z.object({
  "Idempotency-Key": CommandId.optional().describe("The commandId: the same command under it is done once."),
  "If-Match": z
    .string()
    .regex(/^\s*"\d{1,19}"\s*$/, 'must be one revision in quotes, for example "3"')
    .optional()
    .describe("The revision that the project's last event must have, in quotes: 412 where it has another."),
  "If-None-Match": z
    .string()
    .regex(/^\s*\*\s*$/, "goes with a command as * only")
    .optional()
    .describe("*: there must be no project yet."),
});

export const KnownHeaders = z.object({
  "If-None-Match": z.string().optional().describe("An ETag: 304 while it still holds."),
});

export const ResumeHeaders = z.object({
  "Last-Event-ID": z.string().optional().describe("The position after which to go on; comes before `from`."),
});

function refuse(header: string, message: string): never {
  throw new LedgerError("INVALID_INPUT", `invalid header: ${header}: ${message}`, {
    issues: [{ path: header, message }],
  });
}

function given({ headers }: FastifyRequest): z.output<typeof CommandHeaders> {
  const key = headers["idempotency-key"];
  const named = {
    // The draft standard writes it in quotes, and everybody else without.
    "Idempotency-Key": typeof key === "string" ? (/^"(.*)"$/.exec(key)?.[1] ?? key) : key,
    "If-Match": headers["if-match"],
    "If-None-Match": headers["if-none-match"],
  };
  return validated(CommandHeaders, named, "header");
}

/** `If-Match: "<revision>"` is the revision to expect; `If-None-Match: *` that there is no project yet. */
function expectedRevisionOf(headers: z.output<typeof CommandHeaders>): bigint | "no_stream" | undefined {
  const revision = headers["If-Match"]?.replaceAll(/[\s"]/g, "");
  if (revision !== undefined) return BigInt(revision);
  return headers["If-None-Match"] === undefined ? undefined : "no_stream";
}

/** A header and a field of the body may say the same, never different things. */
function same(header: string, fromHeader: unknown, field: string, fromBody: unknown): void {
  if (fromBody !== undefined && String(fromBody) !== String(fromHeader)) {
    refuse(header, `contradicts the body's ${field}: give one of them`);
  }
}

/** What the headers add to a command: `Idempotency-Key` its commandId, `If-Match` its expected revision. */
export function fromHeaders(request: FastifyRequest, body: Readonly<Record<string, unknown>>) {
  const headers = given(request);
  const commandId = headers["Idempotency-Key"];
  const expectedRevision = expectedRevisionOf(headers);
  if (commandId !== undefined) same("Idempotency-Key", commandId, "commandId", body.commandId);
  if (expectedRevision !== undefined) same("If-Match", expectedRevision, "expectedRevision", body.expectedRevision);
  return {
    ...(commandId !== undefined && { commandId }),
    ...(expectedRevision !== undefined && { expectedRevision }),
  };
}
