import { z } from "zod";
import { JsonObjectSchema } from "../events/json-value.ts";
import { parseJson } from "../events/parse-json.ts";
import { canonical } from "../ledger/hash-chain.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { isConsistent, isIncluded, leafHash } from "./merkle.ts";
import {
  type ConsistencyProof,
  FORMATS,
  fileText,
  type InclusionProof,
  type Receipt,
  sealedText,
} from "./proof-file.ts";
import { CRLF, decoded, openNote, type Verifier, verifierOf } from "./signed-note.ts";

/** What a file proves, or why it proves nothing. */
export type ProofCheck =
  | { readonly ok: false; readonly why: string }
  | {
      readonly ok: true;
      readonly kind: "inclusion" | "receipt";
      /** Whose log, and of how many events it is the head. */
      readonly origin: string;
      readonly size: number;
      readonly event: InclusionProof["event"];
      readonly index: number;
      /** Of a receipt: what the ledger said of the event, as it was signed. */
      readonly explanation?: Receipt["explanation"];
    }
  | {
      readonly ok: true;
      readonly kind: "consistency";
      readonly origin: string;
      readonly olderSize: number;
      readonly size: number;
    };

const Path = z.array(z.string());
const included = {
  event: z.strictObject({
    data: JsonObjectSchema,
    hash: z.string(),
    id: z.string(),
    metadata: JsonObjectSchema,
    revision: z.string(),
    stream: z.string(),
    type: z.string(),
  }),
  index: z.int().nonnegative(),
  path: Path,
  checkpoint: z.string(),
};
const ProofFile = z.discriminatedUnion("format", [
  z.strictObject({ format: z.literal(FORMATS.inclusion), ...included }),
  z.strictObject({ format: z.literal(FORMATS.receipt), ...included, explanation: JsonObjectSchema, seal: z.string() }),
  z.strictObject({ format: z.literal(FORMATS.consistency), older: z.string(), newer: z.string(), path: Path }),
]);

type Refuted = { readonly ok: false; readonly why: string };
const refuted = (why: string): Refuted => ({ ok: false, why });

/**
 * Checks an inclusion proof, a consistency proof or a receipt, without the ledger. `publicKey` must come from elsewhere
 * than the file: it is all that is trusted.
 * @throws {LedgerError} INVALID_INPUT for a public key that is none.
 */
export function verifyProof(text: string, publicKey: string): ProofCheck {
  const verifier = verifierOf(publicKey);
  const file = read(text);
  if ("why" in file) return refuted(file.why);
  switch (file.format) {
    case FORMATS.inclusion:
      return checkInclusion(file, verifier, "inclusion");
    case FORMATS.consistency:
      return checkConsistency(file, verifier);
    case FORMATS.receipt:
      return checkReceipt(file, verifier);
  }
}

/** Only what was written the one way in which it is written: a second name or a space more is a change, too. */
function read(text: string): z.output<typeof ProofFile> | { readonly why: string } {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return { why: "it is no JSON: it is no proof, or was cut off or changed" };
  }
  const file = ProofFile.safeParse(value);
  if (!file.success) return { why: "it is no proof that model-ledger wrote, or it was changed" };
  if (fileText(Object(value)) === text) return file.data;
  return { why: text.includes("\r\n") ? CRLF : "it was changed: it is not written as model-ledger writes a proof" };
}

function checkInclusion(
  { event, index, path, checkpoint }: Omit<InclusionProof, "format">,
  verifier: Verifier,
  kind: "inclusion" | "receipt",
): ProofCheck {
  const head = openCheckpoint(checkpoint, verifier);
  if ("why" in head) return refuted(head.why);
  const proof = path.map((base64) => decoded(base64) ?? Buffer.alloc(0));
  const leaf = { hash: leafHash(canonical(event)), index };
  if (!isIncluded(leaf, head, proof)) {
    return refuted(
      `the event is not the one at place ${index} of the ${head.size} that the checkpoint was signed over`,
    );
  }
  return { ok: true, kind, origin: head.origin, size: head.size, event, index };
}

function checkConsistency({ older, newer, path }: ConsistencyProof, verifier: Verifier): ProofCheck {
  const heads: Checkpoint[] = [];
  for (const note of [older, newer]) {
    const head = openCheckpoint(note, verifier);
    if ("why" in head) return refuted(head.why);
    heads.push(head);
  }
  const [from, to] = heads as [Checkpoint, Checkpoint];
  const proof = path.map((base64) => decoded(base64) ?? Buffer.alloc(0));
  if (!isConsistent(from, to, proof)) {
    return refuted(`it does not show that the log of ${to.size} events begins with that of ${from.size}`);
  }
  return { ok: true, kind: "consistency", origin: to.origin, olderSize: from.size, size: to.size };
}

function checkReceipt(receipt: Receipt, verifier: Verifier): ProofCheck {
  const seal = openNote(receipt.seal, verifier);
  if ("why" in seal) return refuted(`its seal does not count: ${seal.why}`);
  if (seal.signatures !== 1 || seal.text !== sealedText(receipt)) return refuted("it is not what its seal was put on");
  const included = checkInclusion(receipt, verifier, "receipt");
  if (!included.ok) return included;
  if (!isOfEvent(receipt)) return refuted("its explanation is not of its event");
  return { ...included, explanation: receipt.explanation } as ProofCheck;
}

/** What an explanation says of a deployment must be what the event says of it. */
function isOfEvent({ explanation, event }: Receipt): boolean {
  const { deployment } = explanation;
  if (typeof deployment !== "object" || deployment === null) return false;
  const told = deployment as Readonly<Record<string, unknown>>;
  const { actor, reason, recordedAt, commandId } = event.metadata;
  const { forced: _, ...facts } = event.data;
  const expected = { ...facts, actor, reason, recordedAt, commandId, revision: event.revision };
  return Object.entries(expected).every(
    ([field, value]) =>
      value === undefined || (told[field] !== undefined && canonical(told[field]) === canonical(value)),
  );
}
