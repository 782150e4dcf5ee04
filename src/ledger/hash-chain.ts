import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import { GENESIS_HASH } from "../../projections/project.ts";
import { LedgerError } from "../errors.ts";

/**
 * The chain of CONTRACT §8: each event's `hash` is SHA-256 over the previous event's hash (32 bytes; zeros for the
 * first) and the canonical JSON (RFC 8785) of `{ data, metadata, type }`, metadata without its hash. Hexadecimal.
 */
export { GENESIS_HASH };

/** Canonical JSON text of a plain JSON value. */
export function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new LedgerError("INVALID_INPUT", "a value that JSON does not know cannot be recorded");
  return text;
}

/** One link, from the canonical texts of its parts. */
export function link(previous: string, type: string, data: string, metadataWithoutHash: string): string {
  const body = Buffer.from(`{"data":${data},"metadata":${metadataWithoutHash},"type":${JSON.stringify(type)}}`);
  return hash("sha256", Buffer.concat([Buffer.from(previous, "hex"), body]), "hex");
}

/** The canonical text of metadata, with the hash put in. */
export function withHash(metadataWithoutHash: string, linkHash: string): string {
  return `${metadataWithoutHash.slice(0, -1)},"hash":"${linkHash}"}`;
}
