import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { LedgerError } from "../errors.ts";

/**
 * Signed notes with Ed25519, as https://c2sp.org/signed-note has them; keys are written as golang.org/x/mod/sumdb/note
 * writes them: `<name>+<key id>+<base64>` and `PRIVATE+KEY+<name>+<key id>+<base64>`.
 */

const ED25519 = 1;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
const SIGNATURE_BYTES = 64;
const PRIVATE = "PRIVATE+KEY+";
const MAX_SIGNATURES = 16;

/** What stands before the 32 bytes of a key in DER (RFC 8410). */
const PUBLIC_DER = Buffer.from("302a300506032b6570032100", "hex");
const PRIVATE_DER = Buffer.from("302e020100300506032b657004220420", "hex");

/** A name that can stand in a signature line. */
export const isKeyName = (name: string): boolean =>
  typeof name === "string" && name !== "" && name.isWellFormed() && !/[\s\p{Cc}+]/u.test(name);

/** Who may have signed. */
export interface Verifier {
  readonly name: string;
  /** 8 hexadecimal digits. */
  readonly keyId: string;
  readonly publicKey: KeyObject;
}

export interface Signer {
  readonly verifier: Verifier;
  readonly privateKey: KeyObject;
}

/** A new pair of keys under a name, as text. @throws {LedgerError} INVALID_INPUT for a name that no key can have. */
export function generateKeys(name: string): { readonly privateKey: string; readonly publicKey: string } {
  if (!isKeyName(name)) {
    const message = `a key's name must not be empty nor hold spaces, plus signs or control characters, as "${name}" does; take one like example.com/ledger`;
    throw new LedgerError("INVALID_INPUT", message, { name });
  }
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-KEY_BYTES);
  const verifier = { name, keyId: keyIdOf(name, raw(publicKey)), publicKey };
  return { privateKey: `${PRIVATE}${name}+${verifier.keyId}+${encoded(seed)}`, publicKey: publicKeyText(verifier) };
}

/** The public key as text, for those who verify. */
export function publicKeyText({ name, keyId, publicKey }: Verifier): string {
  return `${name}+${keyId}+${encoded(raw(publicKey))}`;
}

/** @throws {LedgerError} INVALID_INPUT when `text` is no public key. */
export function verifierOf(text: string): Verifier {
  const { name, keyId, key } = parts(text, "public key");
  const publicKey = createPublicKey({ key: Buffer.concat([PUBLIC_DER, key]), format: "der", type: "spki" });
  if (keyId !== keyIdOf(name, key)) throw badKey("public key", "its id is not that of its name and key");
  return { name, keyId, publicKey };
}

/** @throws {LedgerError} INVALID_INPUT when `text` is no private key. */
export function signerOf(text: string): Signer {
  if (typeof text !== "string" || !text.startsWith(PRIVATE))
    throw badKey("private key", `it does not begin with ${PRIVATE}`);
  const { name, keyId, key } = parts(text.slice(PRIVATE.length), "private key");
  const privateKey = createPrivateKey({ key: Buffer.concat([PRIVATE_DER, key]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey);
  if (keyId !== keyIdOf(name, raw(publicKey))) throw badKey("private key", "its id is not that of its name and key");
  return { verifier: { name, keyId, publicKey }, privateKey };
}

function parts(text: string, what: "public key" | "private key") {
  const [, name = "", keyId = "", base64 = ""] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/su.exec(String(text).trim()) ?? [];
  if (!isKeyName(name)) throw badKey(what, "it is not written as <name>+<id>+<key>");
  const bytes = decoded(base64);
  if (bytes?.length !== 1 + KEY_BYTES || bytes[0] !== ED25519) throw badKey(what, "it is no Ed25519 key");
  return { name, keyId, key: bytes.subarray(1) };
}

const badKey = (what: string, why: string): LedgerError =>
  new LedgerError("INVALID_INPUT", `this is no ${what} of a signed note: ${why}; \`model-ledger keygen\` makes a pair`);

const raw = (publicKey: KeyObject): Buffer => publicKey.export({ format: "der", type: "spki" }).subarray(-KEY_BYTES);

const encoded = (key: Uint8Array): string => Buffer.concat([Buffer.of(ED25519), key]).toString("base64");

/** Base64 in the one way that it can be written, or undefined: Node passes over what does not belong there. */
export function decoded(base64: string): Buffer | undefined {
  const bytes = Buffer.from(base64, "base64");
  return bytes.toString("base64") === base64 ? bytes : undefined;
}

function keyIdOf(name: string, publicKey: Uint8Array): string {
  const key = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), publicKey]);
  return hash("sha256", key, "buffer").subarray(0, KEY_ID_BYTES).toString("hex");
}

/** `text`, which ends in a line feed, with a signature under it. */
export function signNote(text: string, { verifier, privateKey }: Signer): string {
  const signature = sign(null, Buffer.from(text), privateKey);
  const line = Buffer.concat([Buffer.from(verifier.keyId, "hex"), signature]).toString("base64");
  return `${text}\n— ${verifier.name} ${line}\n`;
}

/** What became of a file that is signed to the letter, where mail or git took it for text. */
export const CRLF = "its lines end in CRLF, and were signed with line feeds: get the file again, unchanged";

/** The text of a note that `verifier` signed, or why it is none. Signatures of others are passed over. */
export function openNote(
  note: string,
  verifier: Verifier,
): { readonly text: string; readonly signatures: number } | { readonly why: string } {
  const end = note.lastIndexOf("\n\n");
  if (note.includes("\r\n")) return { why: CRLF };
  // Line feeds only, of all control characters below U+0020.
  if (end < 0 || !note.isWellFormed() || /[^\P{Cc}\n\u007f-\u009f]/u.test(note)) {
    return { why: "it is not a signed note" };
  }
  if (!note.endsWith("\n")) return { why: "it was cut off: its last line has no line feed" };
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) return { why: `it has more than ${MAX_SIGNATURES} signatures` };
  let isSigned = false;
  const others: string[] = [];
  for (const line of lines) {
    const [, name = "", base64 = ""] = /^— (\S+) (\S+)$/u.exec(line) ?? [];
    const bytes = decoded(base64);
    if (!isKeyName(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES) {
      return { why: line === "" ? "an empty line stands among its signatures" : "a signature is none" };
    }
    const keyId = bytes.subarray(0, KEY_ID_BYTES).toString("hex");
    if (name !== verifier.name || keyId !== verifier.keyId) {
      others.push(`${name}+${keyId}`);
      continue;
    }
    const signature = bytes.subarray(KEY_ID_BYTES);
    if (signature.length !== SIGNATURE_BYTES || !verify(null, Buffer.from(text), verifier.publicKey, signature)) {
      return { why: `the signature of ${name} does not fit its text` };
    }
    isSigned = true;
  }
  if (isSigned) return { text, signatures: lines.length };
  return { why: `it is not signed by ${publicKeyText(verifier)}, but by ${others.join(" and ")}` };
}
