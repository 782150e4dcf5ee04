import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { validated } from "../domain/commands.ts";
import { LedgerError } from "../errors.ts";
import { Actor, Text } from "../events/names.ts";
import type { Runtime } from "../runtime.ts";
import type { EventStore } from "../store/event-store.ts";
import { SCOPES, type Scope } from "./scopes.ts";

/** Where the store keeps them, all in one document: whoever changes it sees all others' changes. */
const KEPT_AS = "access/tokens";
const SECRET_BYTES = 32;
/** So that secrets which leaked into a repository or a log are found and recognised. */
const PREFIX = "mlt_";
const MAX_ATTEMPTS = 50;

const NewToken = z.strictObject({
  name: Actor,
  scopes: z.array(z.enum(SCOPES)).min(1, "name one scope at least"),
  project: Text.min(1, "must not be empty").max(200, "must have at most 200 characters").default("*"),
  /** Checks everything and makes nothing. */
  dryRun: z.boolean().default(false),
});

/** A token as it is kept: never the secret itself. */
export interface Token {
  readonly name: string;
  /** SHA-256 of the secret, in hexadecimal. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
  /** A glob. */
  readonly project: string;
  readonly createdAt: string;
}

interface TokenDocument {
  readonly tokens: readonly Token[];
}

/** Undefined if there never was one. Where the last one was revoked it is an empty list: what was closed stays so. */
export type KnownTokens = readonly Token[] | undefined;

/** The tokens of a ledger, in the ledger's own store. */
export class Tokens {
  readonly #store: EventStore;
  readonly #runtime: Runtime;
  /** What was read last, or is being read: as of which change count of the store, and which of the tokens. */
  #known: { asOf: number; readonly seen: number; tokens: KnownTokens | Promise<KnownTokens> } | undefined;

  constructor(store: EventStore, runtime: Runtime) {
    this.#store = store;
    this.#runtime = runtime;
  }

  /**
   * Makes a token and gives its secret, which nobody can ask for again.
   * @throws {LedgerError} INVALID_INPUT, also for a name that is taken.
   */
  async create(input: z.input<typeof NewToken>): Promise<{ readonly token: Token; readonly secret: string }> {
    const { name, scopes, project, dryRun } = validated(NewToken, input, "token");
    const secret = PREFIX + randomBytes(SECRET_BYTES).toString("base64url");
    const createdAt = new Date(this.#runtime.now()).toISOString();
    const token = {
      name,
      sha256: digest(secret),
      scopes: SCOPES.filter((one) => scopes.includes(one)),
      project,
      createdAt,
    };
    await this.#change((tokens) => {
      if (tokens.some((other) => other.name === name)) throw nameTaken(name);
      return dryRun ? undefined : [...tokens, token];
    });
    return { token, secret };
  }

  /** By name. */
  async list(): Promise<readonly Token[]> {
    return [...((await this.#read()).tokens ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * From the moment that this resolves the token lets nobody in, in any process; a dry run only looks for it.
   * @throws {LedgerError} TOKEN_NOT_FOUND
   */
  async revoke(name: string, { dryRun = false }: { readonly dryRun?: boolean } = {}): Promise<void> {
    await this.#change((tokens) => {
      const others = tokens.filter((token) => token.name !== name);
      if (others.length === tokens.length) throw notFound(name);
      return dryRun ? undefined : others;
    });
  }

  /**
   * The tokens as any process had left them before the call: at once where they were not changed since they were read.
   * @param asOf the store's change count, where the caller has just asked for it.
   */
  current(asOf: number = this.#store.changeCount()): KnownTokens | Promise<KnownTokens> {
    if (this.#known?.asOf === asOf) return this.#known.tokens;
    const seen = this.#store.changeCount(KEPT_AS);
    if (this.#known?.seen === seen) {
      this.#known.asOf = asOf;
      return this.#known.tokens;
    }
    const reading = this.#read().then(({ tokens }) => {
      known.tokens = tokens;
      return tokens;
    });
    const known = { asOf, seen, tokens: reading as KnownTokens | Promise<KnownTokens> };
    this.#known = known;
    reading.catch(() => {
      if (this.#known === known) this.#known = undefined;
    });
    return reading;
  }

  async #read(): Promise<{ readonly tokens: KnownTokens; readonly revision: bigint | "none" }> {
    const kept = await this.#store.kept(KEPT_AS);
    if (kept === undefined) return { tokens: undefined, revision: "none" };
    return { tokens: (JSON.parse(kept.value) as TokenDocument).tokens, revision: kept.revision };
  }

  /** Two who change at once do so one after the other; `undefined` leaves them as they are. */
  async #change(change: (tokens: readonly Token[]) => readonly Token[] | undefined): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { tokens = [], revision } = await this.#read();
      const changed = change(tokens);
      if (changed === undefined) return;
      const document: TokenDocument = { tokens: changed };
      try {
        await this.#store.keep(KEPT_AS, JSON.stringify(document), revision);
        return;
      } catch (error) {
        const isLost = error instanceof LedgerError && error.code === "CONFLICT";
        if (!isLost || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }
}

const digest = (secret: string): string => hash("sha256", secret, "hex");

/** The token with this secret. Takes the same time whichever it is, and whether there is one. */
export function tokenOf(secret: string, tokens: readonly Token[]): Token | undefined {
  const wanted = Buffer.from(digest(secret));
  let found: Token | undefined;
  for (const token of tokens) if (timingSafeEqual(Buffer.from(token.sha256), wanted)) found = token;
  return found;
}

function nameTaken(name: string): LedgerError {
  const message = `there is a token "${name}" already: revoke it first, or choose another name`;
  return new LedgerError("INVALID_INPUT", message, { issues: [{ path: "name", message }] });
}

function notFound(name: string): LedgerError {
  return new LedgerError("TOKEN_NOT_FOUND", `there is no token "${name}": token list shows those there are`, { name });
}
