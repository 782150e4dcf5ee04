/**
 * More marks on one letter than any writing has, by UAX #15, section 13. To compose n of them takes n² steps, minutes where
 * a reason holds nothing else: so they are kept apart, by the character that is there for it.
 */
const CROWDED = /\p{M}{30}(?=\p{M})/gu;
const JOINER = "\u034f";

/** A reason as it is searched: neither case nor the composition of letters tells two apart. */
export const searchable = (reason: string): string =>
  reason.replace(CROWDED, `$&${JOINER}`).normalize("NFC").toLowerCase();
