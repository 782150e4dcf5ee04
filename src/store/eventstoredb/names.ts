import { LedgerError } from "../../errors.ts";

/** What the ledger's streams are called begins so, in every store. */
const PREFIX = "modelLedger-";

/** How the ledger's names and the server's go together. */
export interface StreamNames {
  /** What the names of all our streams on the server begin with: `$all` is filtered by it there. */
  readonly prefix: string;
  /** @throws {LedgerError} INVALID_INPUT for a name that no stream of the ledger has. */
  onServer(stream: string): string;
  inLedger(name: string): string;
  /** The stream of a kept value: of a category apart, so that it is no event of the ledger. */
  ofKept(name: string): string;
}

/** `category` is the text before the first `-`; with another than "modelLedger" a server holds a ledger beside ours. */
export function streamNames(category: string): StreamNames {
  const prefix = `${category}-`;
  return {
    prefix,
    onServer(stream) {
      if (stream.startsWith(PREFIX)) return prefix + stream.slice(PREFIX.length);
      throw new LedgerError(
        "INVALID_INPUT",
        `a stream's name begins with "${PREFIX}" in this store, "${stream}" does not`,
        {
          stream,
        },
      );
    },
    inLedger: (name) => PREFIX + name.slice(prefix.length),
    ofKept: (name) => `${category}State-${name}`,
  };
}
