import { hash } from "node:crypto";

/**
 * The Merkle tree of RFC 6962 §2.1 (SHA-256), as RFC 9162 §2.1 says how to verify it: a leaf is hashed behind a byte 0, a
 * node behind a byte 1, and a tree of n leaves parts at the largest power of two that is smaller than n. Pure; sizes
 * and indices are whole numbers below 2^53.
 */
export const EMPTY_ROOT = hash("sha256", "", "buffer");

const NODE_PREFIX = 1;
const HASH_BYTES = 32;

export const isHash = (bytes: Uint8Array): boolean => bytes.length === HASH_BYTES;

/** Of a leaf that is text, in UTF-8. */
export function leafHash(text: string): Buffer {
  return hash("sha256", `\0${text}`, "buffer");
}

const pair = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_PREFIX);

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  pair.set(left, 1);
  pair.set(right, 1 + HASH_BYTES);
  return hash("sha256", pair, "buffer");
}

/** The root of a tree whose leaves come one after the other; keeps one hash for each bit of their number. */
export class TreeHead {
  /** Of the full subtrees that the leaves so far fall into, the largest first. */
  readonly #peaks: Buffer[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(leaf: Buffer): void {
    let top = leaf;
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) top = nodeHash(this.#peaks.pop() ?? top, top);
    this.#peaks.push(top);
    this.#size += 1;
  }

  root(): Buffer {
    return (
      this.#peaks.reduceRight<Buffer | undefined>(
        (right, left) => (right === undefined ? left : nodeHash(left, right)),
        undefined,
      ) ?? EMPTY_ROOT
    );
  }
}

/** Neighbouring leaves, `to` excluded, whose own root is part of a proof. */
export type LeafRange = readonly [from: number, to: number];

/** The largest power of two that is smaller than `size`, 2 or more. */
function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/** What proves that leaf `index` is in the tree of `size`, in the order of the proof: PATH of RFC 6962 §2.1.1. */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + largestPowerBelow(to - from);
    if (index < middle) {
      ranges.push([middle, to]);
      to = middle;
    } else {
      ranges.push([from, middle]);
      from = middle;
    }
  }
  return ranges.reverse();
}

/** What proves that the tree of `to` leaves goes on from that of `from`, 1 or more: PROOF of RFC 6962 §2.1.2. */
export function consistencyRanges(from: number, to: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let [first, last] = [0, to];
  while (last !== from) {
    const middle = first + largestPowerBelow(last - first);
    if (from <= middle) {
      ranges.push([middle, last]);
      last = middle;
    } else {
      ranges.push([first, middle]);
      first = middle;
    }
  }
  // The old tree itself is known to whoever checks.
  if (first !== 0) ranges.push([first, last]);
  return ranges.reverse();
}

/** RFC 9162 §2.1.3.2 */
export function isIncluded(
  leaf: { readonly hash: Uint8Array; readonly index: number },
  tree: { readonly root: Uint8Array; readonly size: number },
  proof: readonly Uint8Array[],
): boolean {
  if (![leaf.hash, tree.root, ...proof].every(isHash)) return false;
  if (!(leaf.index >= 0 && leaf.index < tree.size)) return false;
  const climb = new Climb(leaf.index, tree.size - 1);
  let root = leaf.hash;
  for (const other of proof) {
    if (climb.isAtTop) return false;
    root = climb.isRight ? nodeHash(other, root) : nodeHash(root, other);
    climb.goUp();
  }
  return climb.isAtTop && tree.root.every((byte, at) => byte === root[at]);
}

interface Head {
  readonly root: Uint8Array;
  readonly size: number;
}

/** RFC 9162 §2.1.4.2. Every tree goes on from the empty one. */
export function isConsistent(older: Head, newer: Head, proof: readonly Uint8Array[]): boolean {
  if (![older.root, newer.root, ...proof].every(isHash) || older.size > newer.size) return false;
  if (older.size === 0) return proof.length === 0 && isSame(older.root, EMPTY_ROOT);
  if (older.size === newer.size) return proof.length === 0 && isSame(older.root, newer.root);
  const isFull = older.size === 1 || largestPowerBelow(older.size) * 2 === older.size;
  const [start, ...rest] = isFull ? [older.root, ...proof] : proof;
  if (start === undefined) return false;
  const climb = new Climb(older.size - 1, newer.size - 1);
  climb.skipRights();
  let [old, now] = [start, start];
  for (const other of rest) {
    if (climb.isAtTop) return false;
    if (climb.isRight) {
      old = nodeHash(other, old);
      now = nodeHash(other, now);
    } else {
      now = nodeHash(now, other);
    }
    climb.goUp();
  }
  return climb.isAtTop && isSame(old, older.root) && isSame(now, newer.root);
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The way from a node to the root of a tree that need not be full: `fn` and `sn` of RFC 9162. */
class Climb {
  #node: number;
  #last: number;

  constructor(node: number, last: number) {
    this.#node = node;
    this.#last = last;
  }

  get isAtTop(): boolean {
    return this.#last === 0;
  }

  /** Whether the other node of the pair stands on the left. */
  get isRight(): boolean {
    return this.#node % 2 === 1 || this.#node === this.#last;
  }

  goUp(): void {
    // At the ragged edge a node has no partner until it becomes a right one.
    while (this.#node === this.#last && this.#node % 2 === 0 && this.#node !== 0) this.#halve();
    this.#halve();
  }

  skipRights(): void {
    while (this.#node % 2 === 1) this.#halve();
  }

  #halve(): void {
    this.#node = Math.floor(this.#node / 2);
    this.#last = Math.floor(this.#last / 2);
  }
}
