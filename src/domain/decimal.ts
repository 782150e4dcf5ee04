/** `digits` × 10^`exponent`: a number exactly as its shortest decimal text says. */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

function decimal(value: number): Decimal {
  const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
  const [whole, fraction = ""] = mantissa.split(".") as [string, string?];
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

/**
 * Whether `a - b > limit`, in the decimals that people read: 0.8 - 0.7 is exactly 0.1 here, where binary floating point
 * makes it 0.10000000000000009 and lets a gain pass that was not strictly more.
 */
export function differenceExceeds(a: number, b: number, limit: number): boolean {
  const terms = [decimal(a), decimal(b), decimal(limit)] as const;
  const exponent = Math.min(...terms.map((term) => term.exponent));
  const [x, y, z] = terms.map((term) => term.digits * 10n ** BigInt(term.exponent - exponent)) as [
    bigint,
    bigint,
    bigint,
  ];
  return x - y > z;
}
