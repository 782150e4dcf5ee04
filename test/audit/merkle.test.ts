import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  consistencyRanges,
  EMPTY_ROOT,
  inclusionRanges,
  isConsistent,
  isIncluded,
  type LeafRange,
  leafHash,
  nodeHash,
  TreeHead,
} from "../../src/audit/merkle.ts";

/**
 * The reference data of Certificate Transparency (RFC 6962): eight leaves, the roots of the trees over the first of
 * them, audit paths and consistency proofs, as certificate-transparency and transparency-dev/merkle publish them.
 */
const LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const INCLUSION: readonly (readonly [index: number, size: number, proof: readonly string[]])[] = [
  [0, 1, []],
  [
    0,
    8,
    [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
  ],
  [
    5,
    8,
    [
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
  ],
  [2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]],
  [
    1,
    5,
    [
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
  ],
];
const CONSISTENCY: readonly (readonly [from: number, to: number, proof: readonly string[]])[] = [
  [1, 1, []],
  [
    1,
    8,
    [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
  ],
  [
    6,
    8,
    [
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
  ],
  [
    2,
    5,
    [
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
  ],
  [
    6,
    7,
    [
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
  ],
];

const bytes = (hex: string) => Buffer.from(hex, "hex");
// Every byte of these leaves is a character of its own in UTF-8.
const leaves = LEAVES.map((leaf) => leafHash(bytes(leaf).toString("latin1")));
const rootOf = (hashes: readonly Buffer[]): Buffer => {
  const head = new TreeHead();
  for (const hash of hashes) head.add(hash);
  return head.root();
};
const proofOf = (ranges: readonly LeafRange[], hashes: readonly Buffer[]) =>
  ranges.map(([from, to]) => rootOf(hashes.slice(from, to)));
const headOf = (hashes: readonly Buffer[], size: number) => ({ root: rootOf(hashes.slice(0, size)), size });

describe("the reference data of RFC 6962", () => {
  test("roots", () => {
    expect(EMPTY_ROOT.toString("hex")).toBe(EMPTY);
    expect(rootOf([]).toString("hex")).toBe(EMPTY);
    expect(ROOTS.map((_, index) => rootOf(leaves.slice(0, index + 1)).toString("hex"))).toEqual(ROOTS);
  });

  test.each(INCLUSION)("leaf %i is in the tree of %i", (index, size, proof) => {
    expect(proofOf(inclusionRanges(index, size), leaves).map((hash) => hash.toString("hex"))).toEqual(proof);
    const hash = leaves[index] ?? EMPTY_ROOT;
    const tree = { root: bytes(ROOTS[size - 1] ?? ""), size };
    expect(isIncluded({ hash, index }, tree, proof.map(bytes))).toBe(true);
  });

  test.each(CONSISTENCY)("the tree of %i goes on to that of %i", (from, to, proof) => {
    expect(proofOf(consistencyRanges(from, to), leaves).map((hash) => hash.toString("hex"))).toEqual(proof);
    const [older, newer] = [headOf(leaves, from), headOf(leaves, to)];
    expect(isConsistent(older, newer, proof.map(bytes))).toBe(true);
  });
});

const many = Array.from({ length: 130 }, (_, index) => leafHash(String(index)));
const size = fc.integer({ min: 1, max: many.length });

/** Proofs that are not quite `proof`. */
function* spoilt(proof: readonly Buffer[]): Generator<readonly Buffer[]> {
  yield [...proof, EMPTY_ROOT];
  yield [EMPTY_ROOT, ...proof];
  yield [...proof, Buffer.alloc(0)];
  for (const [at, hash] of proof.entries()) {
    yield proof.toSpliced(at, 1);
    yield proof.with(at, Buffer.from(hash.map((byte, index) => (index === at ? byte ^ 1 : byte))));
  }
}

test("every leaf is proved to be in every tree, and no other leaf, place, tree or proof passes for it", () => {
  fc.assert(
    fc.property(size, fc.nat(), (count, seed) => {
      const index = seed % count;
      const [tree, hash] = [headOf(many, count), many[index] ?? EMPTY_ROOT];
      const proof = proofOf(inclusionRanges(index, count), many);
      expect(isIncluded({ hash, index }, tree, proof)).toBe(true);
      for (const bad of spoilt(proof)) expect(isIncluded({ hash, index }, tree, bad)).toBe(false);
      expect(isIncluded({ hash: EMPTY_ROOT, index }, tree, proof)).toBe(false);
      expect(isIncluded({ hash, index }, { ...tree, root: EMPTY_ROOT }, proof)).toBe(false);
      for (const other of [index - 1, index + 1, index ^ 2, count]) {
        expect(isIncluded({ hash, index: other }, tree, proof)).toBe(false);
      }
    }),
  );
});

test("every tree is proved to go on to every later one, and no other pair or proof passes for it", () => {
  fc.assert(
    fc.property(size, size, (a, b) => {
      const [older, newer] = [headOf(many, Math.min(a, b)), headOf(many, Math.max(a, b))];
      const proof = older.size === newer.size ? [] : proofOf(consistencyRanges(older.size, newer.size), many);
      expect(isConsistent(older, newer, proof)).toBe(true);
      for (const bad of spoilt(proof)) expect(isConsistent(older, newer, bad)).toBe(false);
      for (const root of [EMPTY_ROOT, nodeHash(older.root, older.root)]) {
        expect(isConsistent({ ...older, root }, newer, proof)).toBe(false);
        expect(isConsistent(older, { ...newer, root }, proof)).toBe(false);
      }
      if (older.size === newer.size) return;
      expect(isConsistent(newer, older, proof)).toBe(false);
      expect(isConsistent(older, newer, [])).toBe(false);
    }),
  );
});

test("every tree goes on from the empty one, and from no other that claims to be empty", () => {
  const [none, some] = [{ root: EMPTY_ROOT, size: 0 }, headOf(many, 5)];
  expect([isConsistent(none, some, []), isConsistent(none, none, [])]).toEqual([true, true]);
  expect(isConsistent({ ...none, root: some.root }, some, [])).toBe(false);
  expect(isConsistent(none, some, [EMPTY_ROOT])).toBe(false);
  expect(isIncluded({ hash: EMPTY_ROOT, index: 0 }, none, [])).toBe(false);
});
