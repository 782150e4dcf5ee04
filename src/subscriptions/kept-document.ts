import { z } from "zod";
import { LedgerError } from "../errors.ts";
import type { EventStore, ExpectedKept } from "../store/event-store.ts";

/** A revision in a document: decimal text in its JSON, as in all JSON of ours. */
export const KeptRevision = z.string().regex(/^\d+$/).transform(BigInt);

export interface Version<Content> {
  readonly content: Content;
  readonly revision: ExpectedKept;
}

/** A document in the store that several processes change: each change is made on what is there, and none is lost. */
export class KeptDocument<Content> {
  readonly #store: EventStore;
  readonly #schema: z.ZodType<Content>;
  readonly #empty: Content;
  readonly name: string;

  /** `empty` is what it holds while nobody has kept it. */
  constructor(store: EventStore, name: string, schema: z.ZodType<Content>, empty: Content) {
    this.#store = store;
    this.name = name;
    this.#schema = schema;
    this.#empty = empty;
  }

  /** @throws {LedgerError} CORRUPT when what is kept under the name is something else. */
  async read(): Promise<Version<Content>> {
    const kept = await this.#store.kept(this.name);
    if (!kept) return { content: this.#empty, revision: "none" };
    const parsed = this.#schema.safeParse(jsonOf(kept.value));
    if (parsed.success) return { content: parsed.data, revision: kept.revision };
    throw new LedgerError("CORRUPT", `what the store keeps as "${this.name}" cannot be read: ${parsed.error.message}`, {
      name: this.name,
    });
  }

  /** @throws {LedgerError} CONFLICT when somebody wrote since `expected`. */
  async write(content: Content, expected: ExpectedKept): Promise<bigint> {
    return this.#store.keep(this.name, textOf(content), expected);
  }

  /** Makes `change` of what is there, again when somebody else was first; `undefined` leaves it as it is. */
  async change(change: (content: Content) => Content | undefined): Promise<Content> {
    for (;;) {
      const { content, revision } = await this.read();
      const changed = change(content);
      if (changed === undefined) return content;
      try {
        await this.write(changed, revision);
        return changed;
      } catch (error) {
        if (!(error instanceof LedgerError) || error.code !== "CONFLICT") throw error;
      }
    }
  }
}

const textOf = (content: unknown): string =>
  JSON.stringify(content, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema says what is missing
  }
}
