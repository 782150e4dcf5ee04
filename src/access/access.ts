import { LedgerError } from "../errors.ts";
import { ANYBODY, type Caller, callerWith } from "./scopes.ts";
import { type KnownTokens, type Token, type Tokens, tokenOf } from "./tokens.ts";

/** Finds out who asks. */
export interface Access {
  /**
   * At once where all is known that it takes, as it mostly is.
   * @param authorization the header as it came.
   * @param asOf the store's change count, where the caller has just asked for it.
   * @throws {LedgerError} UNAUTHENTICATED; STORE_UNAVAILABLE where it cannot be known.
   */
  caller(authorization: string | undefined, asOf?: number): Caller | Promise<Caller>;
}

export const OPEN_ACCESS: Access = { caller: () => ANYBODY };

/** Tells who a JWT speaks for; undefined for what is none of the issuer's. */
export interface JwtReader {
  read(jwt: string): Promise<Caller | undefined>;
}

interface Parts {
  /** @throws {LedgerError} STORE_UNAVAILABLE while the store is not there yet. */
  readonly tokens: () => Tokens;
  readonly jwts?: JwtReader | undefined;
  /** Whether anybody may ask until the first token is made: only on this machine's own address. */
  readonly isOpenUntilTokens: boolean;
}

/** By the tokens of the ledger, and by the JWTs of an issuer where one is trusted. */
export function tokenAccess({ tokens, jwts, isOpenUntilTokens }: Parts): Access {
  const callers = new WeakMap<Token, Caller>();
  const anybody: Caller = { ...ANYBODY, holds: () => among((known) => known === undefined) };

  /** What `look` finds in the tokens. A promise costs a request more than the look does: there is one only for a read. */
  function among<Found>(look: (known: KnownTokens) => Found | Promise<Found>, asOf?: number): Found | Promise<Found> {
    const known = tokens().current(asOf);
    return known instanceof Promise ? known.then(look) : look(known);
  }

  const holds = ({ sha256 }: Token) => among((known) => known?.some((token) => token.sha256 === sha256) ?? false);

  function callerOf(token: Token): Caller {
    const known = callers.get(token);
    if (known) return known;
    const caller = callerWith(token, () => holds(token));
    callers.set(token, caller);
    return caller;
  }

  function callerAmong(known: KnownTokens, authorization: string | undefined): Caller | Promise<Caller> {
    if (authorization === undefined) {
      if (known === undefined && jwts === undefined && isOpenUntilTokens) return anybody;
      throw unauthenticated("this needs a token: send it as Authorization: Bearer <token>");
    }
    const [, secret] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
    if (secret === undefined) throw unauthenticated("the Authorization header must be Bearer <token>");
    const token = known && tokenOf(secret, known);
    return token ? callerOf(token) : callerOfJwt(secret);
  }

  async function callerOfJwt(secret: string): Promise<Caller> {
    const caller = await jwts?.read(secret);
    if (caller) return caller;
    throw unauthenticated("there is no such token; it may have been revoked");
  }

  return { caller: (authorization, asOf) => among((known) => callerAmong(known, authorization), asOf) };
}

const unauthenticated = (message: string): LedgerError => new LedgerError("UNAUTHENTICATED", message);
