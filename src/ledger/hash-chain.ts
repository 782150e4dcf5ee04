import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import { GENESIS_HASH } from "../../projections/project.ts";
import { LedgerError } from "../errors.ts";
import { parseIJson } from "../events/parse-json.ts";
import { isSurelyCanonical } from "./canonical-text.ts";

/**
 * The chain of CONTRACT §8: each event's `hash` is SHA-256 over the previous event's hash (32 bytes; zeros for the
 * first) and the canonical JSON (RFC 8785) of `{ data, metadata, type }`, metadata without its hash. Hexadecimal.
 */
export { GENESIS_HASH };

/**
 * Canonical JSON text (RFC 8785) of a plain JSON value. `JSON.stringify` of a copy with sorted keys is that text, and
 * costs half of what the library does; what such a copy cannot hold in order is left to the library.
 */
export function canonical(value: unknown): string {
  const ordered = inOrder(value);
  const text = ordered === undefined ? canonicalize(value) : JSON.stringify(ordered);
  if (text === undefined) throw new LedgerError("INVALID_INPUT", "a value that JSON does not know cannot be recorded");
  return text;
}

/** JavaScript puts keys that look like an index first, and "__proto__" is not a key like others. */
const ORDERS_ITSELF = /^(?:\d+|__proto__)$/;

/** A copy whose keys are sorted by UTF-16 code units, or undefined where there cannot be one. */
function inOrder(value: unknown): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) {
      const ordered = inOrder(item);
      if (ordered === undefined) return undefined;
      items.push(ordered);
    }
    return items;
  }
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) {
    const inner: unknown = (value as Readonly<Record<string, unknown>>)[key];
    if (inner === undefined) continue;
    if (ORDERS_ITSELF.test(key)) return undefined;
    const ordered = inOrder(inner);
    if (ordered === undefined) return undefined;
    copy[key] = ordered;
  }
  return copy;
}

/** Canonical JSON text of a JSON text. @throws {SyntaxError} when it is none, or says a name twice. */
export function canonicalText(text: string): string {
  return isSurelyCanonical(text) ? text : canonical(parseIJson(text));
}

const HASH_BYTES = 32;
const MAX_UTF8_BYTES_A_UNIT = 3;
/** Where most links are put together: to allocate for each took longer than to hash it. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** One link, from the canonical texts of its parts. `previous` is 64 hexadecimal digits. */
export function link(previous: string, type: string, data: string, metadataWithoutHash: string): string {
  const body = `{"data":${data},"metadata":${metadataWithoutHash},"type":${JSON.stringify(type)}}`;
  const most = HASH_BYTES + body.length * MAX_UTF8_BYTES_A_UNIT;
  const bytes = most <= scratch.length ? scratch : Buffer.allocUnsafe(most);
  bytes.write(previous, 0, "hex");
  return hash("sha256", bytes.subarray(0, HASH_BYTES + bytes.write(body, HASH_BYTES)), "hex");
}

const SEAL = /^,"hash":"([0-9a-f]{64})"\}$/;
const SEAL_LENGTH = `,"hash":"${"0".repeat(64)}"}`.length;

/**
 * Metadata parted into what is hashed (canonical) and the hash that it claims.
 * @throws {SyntaxError} when it is no JSON object.
 */
export function unsealed(metadata: string): { readonly metadata: string; readonly hash: unknown } {
  // As `withHash` wrote it, the hash stands last.
  const [, seal] = SEAL.exec(metadata.slice(-SEAL_LENGTH)) ?? [];
  const rest = `${metadata.slice(0, -SEAL_LENGTH)}}`;
  if (seal !== undefined && isSurelyCanonical(rest) && !rest.includes('"hash":')) return { metadata: rest, hash: seal };
  const value: unknown = parseIJson(metadata);
  if (typeof value !== "object" || value === null) throw new SyntaxError("metadata is an object");
  const { hash: claimed, ...others } = value as Readonly<Record<string, unknown>>;
  return { metadata: canonical(others), hash: claimed };
}

/** The canonical text of metadata, with the hash put in. */
export function withHash(metadataWithoutHash: string, linkHash: string): string {
  return `${metadataWithoutHash.slice(0, -1)},"hash":"${linkHash}"}`;
}
