/** A reason as it is searched: neither case nor the composition of letters tells two apart. */
export const searchable = (reason: string): string => reason.normalize("NFC").toLowerCase();
