import { LedgerError } from "../errors.ts";
import type { EventStore } from "../store/event-store.ts";
import { ChainCheck, type LoggedEvent } from "./chain-check.ts";
import { signCheckpoint } from "./checkpoint.ts";
import { leafText } from "./leaf.ts";
import { leafHash, TreeHead } from "./merkle.ts";
import { publicKeyText, type Signer } from "./signed-note.ts";
import { type Broken, checkAll, inItsStream, type Verification } from "./verify.ts";

/** A signed head of the tree over all events, to keep where nobody who writes the ledger can reach it. */
export interface SignedCheckpoint {
  /** The signed note. */
  readonly checkpoint: string;
  readonly origin: string;
  /** How many events it is signed over. */
  readonly size: number;
  /** Of how many projects. */
  readonly streams: number;
  /** Base64. */
  readonly root: string;
  /** What it can be checked with. */
  readonly publicKey: string;
}

interface Options {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((events: number) => void) | undefined;
}

/** Verifies every chain and signs the head of the tree. @throws {LedgerError} CORRUPT when a chain is broken. */
export async function newCheckpoint(store: EventStore, signer: Signer, options: Options): Promise<SignedCheckpoint> {
  const tree = new TreeHead();
  const { streams } = await scanLog(store, options, (leaf) => tree.add(leaf));
  const [size, root, origin] = [tree.size, tree.root(), signer.verifier.name];
  const checkpoint = signCheckpoint({ size, root }, signer);
  return {
    checkpoint,
    origin,
    size,
    streams,
    root: root.toString("base64"),
    publicKey: publicKeyText(signer.verifier),
  };
}

/**
 * Hands over the leaf of every event in the order of the log, each when its chain was found to hold.
 * @throws {LedgerError} CORRUPT at the first event that breaks one: what is broken must not be signed.
 */
export async function scanLog(
  store: EventStore,
  { signal, onProgress }: Options,
  onLeaf: (leaf: Buffer, event: LoggedEvent, text: string) => void,
): Promise<Verification> {
  const options = signal ? { signal } : {};
  const verification = await checkAll(store.readAll(options), {
    chain: new ChainCheck(),
    onProgress,
    onLink(event, link) {
      const text = leafText(event, link);
      onLeaf(leafHash(text), event, text);
    },
  });
  const { firstBroken } = verification.ok ? verification : await inItsStream(store, verification, options);
  if (firstBroken) throw brokenChain(firstBroken);
  return verification;
}

/** For whoever needs a whole chain: its `details` are the place, revision as text, and why. */
export function brokenChain({ stream, revision, why }: Broken): LedgerError {
  const message = `event ${revision} of ${stream} breaks its chain, so nothing is signed: ${why}`;
  return new LedgerError("CORRUPT", message, { stream, revision: String(revision), why });
}
