/**
 * More marks on one letter than any writing has, by UAX #15, section 13. To compose n of them takes n² steps, minutes where
 * a reason holds nothing else: so they are kept apart, by the character that is there for it.
 */
const CROWDED = /\p{M}{30}(?=\p{M})/gu;
const JOINER = "\u034f";
/** SQLite's index ends a text at a NUL; it is searched by the sign that is there for showing it. */
const NUL = /\0/g;
const SHOWN_NUL = "\u2400";

/** A reason as it is searched: neither case nor the composition of letters tells two apart. */
export const searchable = (reason: string): string =>
  reason.replace(CROWDED, `$&${JOINER}`).replace(NUL, SHOWN_NUL).normalize("NFC").toLowerCase();

/** Up to this product of their lengths two texts are compared in no time, however they repeat themselves. */
const MAX_PRODUCT = 100_000;

/**
 * Whether `text` holds `part`. What `includes` does takes time as the product of the lengths where both repeat themselves;
 * long texts are searched by Knuth, Morris and Pratt, in time as the sum.
 */
export function holds(text: string, part: string): boolean {
  if (text.length * part.length <= MAX_PRODUCT) return text.includes(part);
  /** How much of the beginning of `part` is its end again, up to each place. */
  const again = new Uint32Array(part.length);
  const fitsWith = (unit: number, before: number): number => {
    let fits = before;
    while (fits > 0 && part.charCodeAt(fits) !== unit) fits = again[fits - 1] ?? 0;
    return part.charCodeAt(fits) === unit ? fits + 1 : fits;
  };
  for (let at = 1; at < part.length; at++) again[at] = fitsWith(part.charCodeAt(at), again[at - 1] ?? 0);
  let fits = 0;
  for (let at = 0; at < text.length && fits < part.length; at++) fits = fitsWith(text.charCodeAt(at), fits);
  return fits === part.length;
}
