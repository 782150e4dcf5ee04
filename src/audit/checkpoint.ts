import { isHash } from "./merkle.ts";
import { decoded, openNote, type Signer, signNote, type Verifier } from "./signed-note.ts";

/** The head of the tree over a ledger's first `size` events, as https://c2sp.org/tlog-checkpoint has it. */
export interface Checkpoint {
  /** Whose log it is: the name of the key that signs. */
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

export function signCheckpoint({ size, root }: Omit<Checkpoint, "origin">, signer: Signer): string {
  return signNote(`${signer.verifier.name}\n${size}\n${root.toString("base64")}\n`, signer);
}

const CHECKPOINT = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([^\n]+)\n(?:[^\n]+\n)*$/;

/** The checkpoint that a note holds, signed or not, or undefined when it holds none. */
export function checkpointIn(text: string): Checkpoint | undefined {
  const [, origin = "", digits = "", base64 = ""] = CHECKPOINT.exec(text) ?? [];
  const [size, root] = [Number(digits), decoded(base64)];
  return root !== undefined && isHash(root) && Number.isSafeInteger(size) ? { origin, size, root } : undefined;
}

/** A checkpoint that `verifier` signed for its own log, or why the note is none. */
export function openCheckpoint(note: string, verifier: Verifier): Checkpoint | { readonly why: string } {
  const opened = openNote(note, verifier);
  if ("why" in opened) return { why: `the checkpoint does not count: ${opened.why}` };
  const checkpoint = checkpointIn(opened.text);
  if (checkpoint === undefined) return { why: "the signed note holds no checkpoint" };
  if (checkpoint.origin !== verifier.name) {
    return { why: `the checkpoint is of the log ${checkpoint.origin}, not of ${verifier.name}` };
  }
  return checkpoint;
}
