import { isHash, type LeafRange, TreeHead } from "./merkle.ts";

const HASH_BYTES = 32;

/** The hashes of all leaves of a log, 32 bytes each, and the roots of any neighbours among them. */
export class Leaves {
  #bytes = Buffer.alloc(HASH_BYTES * 1_024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(hash: Buffer): void {
    if (!isHash(hash)) throw new RangeError("a leaf is told by its hash");
    const at = this.#count * HASH_BYTES;
    if (at === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)]);
    hash.copy(this.#bytes, at);
    this.#count += 1;
  }

  /** The root over the leaves from the first on, as many as `size`. */
  root(size = this.#count): Buffer {
    return this.#rootOf([0, size]);
  }

  /** The roots of these ranges, as a proof has them. */
  proof(ranges: readonly LeafRange[]): string[] {
    return ranges.map((range) => this.#rootOf(range).toString("base64"));
  }

  #rootOf([from, to]: LeafRange): Buffer {
    const head = new TreeHead();
    for (let at = from; at < to; at++) head.add(this.#bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
    return head.root();
  }
}
