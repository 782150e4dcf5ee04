import { createHash } from "node:crypto";
import { LedgerError } from "../errors.ts";
import { optionalPackage } from "./optional-packages.ts";
import { type Random, seededRandom, shuffled } from "./seeded-random.ts";

/** A square of grey values from 0 (paper) to 1 (ink), row by row. */
export type Image = readonly number[];

/** A handwritten digit, and which one it is. */
export interface Digit {
  /** 14 × 14, the image of MNIST at half its width and height. */
  readonly image: Image;
  /** 0 to 9. */
  readonly label: number;
  /** Its place in the package: `7/12` is the 13th seven. */
  readonly source: string;
}

export interface Digits {
  readonly training: readonly Digit[];
  /** Never shown to a training: what scores are measured on. */
  readonly heldOut: readonly Digit[];
  /** Identifies the training digits, as a training is recorded with it: where they come from, how many, their SHA-256. */
  readonly snapshot: { readonly relation: string; readonly rows: number; readonly digest: string };
}

interface DigitsSizes {
  readonly training: number;
  readonly heldOut: number;
}

/** Enough for scores that tell models apart, few enough to train on in seconds. */
export const DEMO_SIZES: DigitsSizes = { training: 2000, heldOut: 500 };

export const CLASSES = 10;
const MNIST_PIXELS = 28 ** 2;

/** Half the width and height: each pixel is the mean of 2 × 2. */
export function halved(image: Image): Image {
  const side = Math.sqrt(image.length);
  const half = side / 2;
  return Array.from({ length: half * half }, (_, index) => {
    const corner = 2 * (Math.floor(index / half) * side + (index % half));
    const square = [corner, corner + 1, corner + side, corner + side + 1];
    return square.reduce((sum, pixel) => sum + (image[pixel] ?? 0), 0) / 4;
  });
}

/** Dealt like cards, one from each pile in turn: at any count the piles are balanced to within one. */
function dealt<Item>(piles: readonly (readonly Item[])[], count: number): Item[] {
  return Array.from({ length: count }, (_, index) => {
    const item = piles[index % piles.length]?.[Math.floor(index / piles.length)];
    if (item !== undefined) return item;
    const most = piles.length * Math.min(...piles.map(({ length }) => length));
    throw new LedgerError("INVALID_INPUT", `${count} digits were asked for; balanced, there are ${most}`, { most });
  });
}

/**
 * Two balanced sets of real digits, with none in common. The same seed and sizes give the same sets.
 * @throws {LedgerError} INVALID_INPUT where the package mnist is not installed, or holds too few digits.
 */
export function loadDigits(seed: number, { training, heldOut }: DigitsSizes = DEMO_SIZES): Digits {
  const random = seededRandom(seed);
  const piles = optionalPackage("mnist").map(({ raw }, label) => {
    const starts = Array.from({ length: Math.floor(raw.length / MNIST_PIXELS) }, (_, index) => index * MNIST_PIXELS);
    return shuffled(starts, random).map((start) => ({ raw, label, start }));
  });
  const digits = dealt(piles, training + heldOut).map(({ raw, label, start }) => ({
    image: halved(raw.slice(start, start + MNIST_PIXELS)),
    label,
    source: `${label}/${start / MNIST_PIXELS}`,
  }));
  const known = digits.slice(0, training);
  const digest = createHash("sha256").update(JSON.stringify(known)).digest("hex");
  return {
    training: known,
    heldOut: digits.slice(training),
    snapshot: { relation: "mnist", rows: known.length, digest: `sha256:${digest}` },
  };
}

/** At most `count` of the digits, drawn at random and balanced. */
export function drawn(digits: readonly Digit[], count: number, random: Random): Digit[] {
  const piles = Array.from({ length: CLASSES }, (_, label) => digits.filter((digit) => digit.label === label));
  return dealt(
    piles.map((pile) => shuffled(pile, random)),
    Math.min(count, digits.length),
  );
}
