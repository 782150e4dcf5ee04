import { LedgerError } from "../errors.ts";
import type { JsonObject } from "../events/json-value.ts";
import { parseJson } from "../events/parse-json.ts";
import type { EventStore } from "../store/event-store.ts";
import { checkpointIn, signCheckpoint } from "./checkpoint.ts";
import type { Explanation } from "./explanation.ts";
import { Leaves } from "./leaves.ts";
import { consistencyRanges, inclusionRanges } from "./merkle.ts";
import { type ConsistencyProof, FORMATS, fileText, type ProvenEvent, sealedText } from "./proof-file.ts";
import { brokenChain, scanLog } from "./sign-checkpoint.ts";
import { type Signer, signNote } from "./signed-note.ts";

interface Options {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((events: number) => void) | undefined;
}

/** Which event is to be proved. */
interface Place {
  readonly stream: string;
  readonly revision: bigint;
}

/** An inclusion proof of the event, under a checkpoint that is signed for it, as text. */
export async function proveInclusion(
  store: EventStore,
  place: Place,
  signer: Signer,
  options: Options,
): Promise<string> {
  const proof = await included(store, place, signer, options);
  return fileText({ format: FORMATS.inclusion, ...proof });
}

/** A receipt for a deployment: all that an auditor needs beside the public key, as text. */
export async function receiptFor(
  store: EventStore,
  { stream, explanation }: { readonly stream: string; readonly explanation: Explanation },
  signer: Signer,
  options: Options,
): Promise<string> {
  const { revision } = explanation.deployment;
  const proof = await included(store, { stream, revision }, signer, options);
  const receipt = { format: FORMATS.receipt, ...proof, explanation: asJson(explanation) };
  return fileText({ ...receipt, seal: signNote(sealedText(receipt), signer) });
}

async function included(store: EventStore, { stream, revision }: Place, signer: Signer, options: Options) {
  const leaves = new Leaves();
  let found: { readonly event: ProvenEvent; readonly index: number } | undefined;
  await scanLog(store, options, (leaf, event, text) => {
    if (event.stream === stream && event.revision === revision) {
      found = { event: parseJson(text) as ProvenEvent, index: leaves.count };
    }
    leaves.add(leaf);
  });
  if (found === undefined) {
    const why = "it is not in the log, though its project's chain holds";
    throw brokenChain({ stream, revision, why });
  }
  const checkpoint = signCheckpoint({ size: leaves.count, root: leaves.root() }, signer);
  return { ...found, path: leaves.proof(inclusionRanges(found.index, leaves.count)), checkpoint };
}

/**
 * A proof that the log of one checkpoint goes on from that of another, as text.
 * @throws {LedgerError} INVALID_INPUT for a note that is no checkpoint; CORRUPT when the log is of neither.
 */
export async function proveConsistency(
  store: EventStore,
  { older, newer }: { readonly older: string; readonly newer: string },
  options: Options,
): Promise<string> {
  const [from, to] = [headIn(older, "older"), headIn(newer, "newer")];
  if (from.size > to.size) {
    const message = `the older checkpoint is of ${from.size} events and the newer of ${to.size}: exchange them`;
    throw new LedgerError("INVALID_INPUT", message, { older: from.size, newer: to.size });
  }
  const leaves = new Leaves();
  await scanLog(store, options, (leaf) => leaves.add(leaf));
  for (const { size, root } of [from, to]) {
    if (size <= leaves.count && leaves.root(size).equals(root)) continue;
    const why = `the log does not begin with the ${size} events that a checkpoint was signed over`;
    throw new LedgerError("CORRUPT", `${why}, so nothing can be proved of it`, { size, events: leaves.count, why });
  }
  const ranges = from.size === 0 || from.size === to.size ? [] : consistencyRanges(from.size, to.size);
  const file: ConsistencyProof = { format: FORMATS.consistency, older, newer, path: leaves.proof(ranges) };
  return fileText(file);
}

/** Of a note whose signature is for others to check. */
function headIn(note: string, which: string) {
  const checkpoint = checkpointIn(note.slice(0, note.lastIndexOf("\n\n") + 1));
  if (checkpoint) return checkpoint;
  throw new LedgerError("INVALID_INPUT", `the ${which} checkpoint is none: give what verify --checkpoint printed`, {});
}

/** As JSON gives it back: revisions are decimal text there. */
function asJson(explanation: Explanation): JsonObject {
  const text = JSON.stringify(explanation, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  return parseJson(text) as JsonObject;
}
