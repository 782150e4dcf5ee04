import { hash } from "node:crypto";
import type { JsonObject } from "../events/json-value.ts";
import { canonical } from "../ledger/hash-chain.ts";

/**
 * The files that prove something to whoever has a public key and nothing else: JSON of one form, written one way.
 * Hashes in paths are base64, from the leaf to the root.
 */

/** An event as it is hashed into the tree (leaf.ts): `metadata` without its hash, which stands beside it. */
export interface ProvenEvent {
  readonly data: JsonObject;
  readonly hash: string;
  readonly id: string;
  readonly metadata: JsonObject;
  readonly revision: string;
  readonly stream: string;
  readonly type: string;
}

export const FORMATS = {
  inclusion: "model-ledger inclusion proof v1",
  consistency: "model-ledger consistency proof v1",
  receipt: "model-ledger receipt v1",
} as const;

/** That an event stands at `index` of the log whose head `checkpoint` is. */
export interface InclusionProof {
  readonly format: typeof FORMATS.inclusion;
  readonly event: ProvenEvent;
  readonly index: number;
  readonly path: readonly string[];
  readonly checkpoint: string;
}

/** That the log of `newer` begins with all of the log of `older`. */
export interface ConsistencyProof {
  readonly format: typeof FORMATS.consistency;
  readonly older: string;
  readonly newer: string;
  readonly path: readonly string[];
}

/** An inclusion proof and what the ledger says of the event, signed together by `seal`. */
export interface Receipt extends Omit<InclusionProof, "format"> {
  readonly format: typeof FORMATS.receipt;
  readonly explanation: JsonObject;
  /** A signed note over {@link sealedText}. */
  readonly seal: string;
}

/** The one way in which a file is written: whoever changes a byte of it changes what it says, or is found out. */
export const fileText = (file: object): string => `${JSON.stringify(file, null, 2)}\n`;

/** What the seal of a receipt signs. A checkpoint cannot begin like it: no origin that is a key's name has a space. */
export function sealedText({ seal: _, ...receipt }: Omit<Receipt, "seal"> & { readonly seal?: string }): string {
  return `${FORMATS.receipt}\n${hash("sha256", canonical(receipt), "hex")}\n`;
}
