import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { LedgerError } from "../errors.ts";
import type { JwtReader } from "./access.ts";
import { type Caller, callerWith, SCOPES } from "./scopes.ts";

/** Signatures that only the issuer can make: none that a public key would serve to forge. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
const CLOCK_TOLERANCE_S = 30;
/** An issuer that does not say by then where its keys are is away. */
const DISCOVERY_MS = 5_000;
/** Scopes may be written with it, where an issuer serves many. */
const SCOPE_PREFIX = "model-ledger:";

export interface JwtOptions {
  /** Whose `iss` is trusted. Without a key its own document says where its keys are. */
  readonly issuer?: string;
  /** What `aud` must name. */
  readonly audience?: string;
  /** A file with the issuer's public key (PEM, JWK or JWKS), or the URL of its JWKS. */
  readonly key?: string;
}

/**
 * Reads JWTs: `sub` is the name, `scope` (or `scopes`, `scp`) what it may, `project` the glob (default: all). They must
 * expire.
 * @throws {LedgerError} INVALID_INPUT for a key that cannot be read.
 */
export async function jwtReader({ issuer, audience, key }: JwtOptions): Promise<JwtReader> {
  if (issuer === undefined && key === undefined) {
    throw new LedgerError("INVALID_INPUT", "name the issuer of JWTs or its key: --jwt-issuer, --jwt-key");
  }
  const keys = key === undefined ? discovered(String(issuer)) : await keysAt(key);
  const options = {
    algorithms: ALGORITHMS,
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: ["sub", "exp"],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  };
  return {
    async read(jwt) {
      if (jwt.split(".").length !== 3) return undefined;
      try {
        const { payload } =
          typeof keys === "function" ? await jwtVerify(jwt, keys, options) : await jwtVerify(jwt, keys, options);
        return callerOf(payload);
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
}

function callerOf({
  sub,
  exp = 0,
  project = "*",
  ...claims
}: JWTPayload & { readonly project?: unknown }): Caller | undefined {
  if (sub === undefined || typeof project !== "string") return undefined;
  const named = claims.scope ?? claims.scopes ?? claims.scp ?? [];
  const words = (Array.isArray(named) ? named.map(String) : String(named).split(/\s+/)).map((word) =>
    word.startsWith(SCOPE_PREFIX) ? word.slice(SCOPE_PREFIX.length) : word,
  );
  const scopes = SCOPES.filter((scope) => words.includes(scope));
  if (scopes.length === 0) return undefined;
  return callerWith({ name: sub, scopes, project }, () => Date.now() / 1_000 < exp + CLOCK_TOLERANCE_S);
}

type Keys = KeyObject | JWTVerifyGetKey;

async function keysAt(place: string): Promise<Keys> {
  if (/^https?:/i.test(place)) return fromElsewhere(place, createRemoteJWKSet(new URL(place)));
  try {
    const text = await readFile(place, "utf8");
    if (!text.trimStart().startsWith("{")) return createPublicKey(text);
    const json = JSON.parse(text) as Parameters<typeof createLocalJWKSet>[0] & Record<string, unknown>;
    return "keys" in json ? createLocalJWKSet(json) : createPublicKey({ key: json, format: "jwk" });
  } catch (cause) {
    throw new LedgerError(
      "INVALID_INPUT",
      `cannot read the key of JWTs at ${place}: it must be a public key as PEM, JWK or JWKS`,
      { place },
      { cause },
    );
  }
}

/** Where OpenID Connect says the issuer's keys are; asked when the first JWT comes. */
function discovered(issuer: string): JWTVerifyGetKey {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  async function find(): Promise<JWTVerifyGetKey> {
    const answer = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, {
      signal: AbortSignal.timeout(DISCOVERY_MS),
    });
    const { jwks_uri } = (await answer.json()) as { readonly jwks_uri?: string };
    if (jwks_uri === undefined) throw new Error("it names no jwks_uri");
    return createRemoteJWKSet(new URL(jwks_uri));
  }
  return fromElsewhere(issuer, async (...parameters) => {
    keys ??= find();
    keys.catch(() => {
      keys = undefined;
    });
    return (await keys)(...parameters);
  });
}

/** Where keys cannot be had, nothing is known of a JWT: that none of them is its own is all that it can be blamed for. */
function fromElsewhere(place: string, keys: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (...parameters) => {
    try {
      return await keys(...parameters);
    } catch (cause) {
      if (OF_THE_JWT.some((kind) => cause instanceof kind)) throw cause;
      throw new LedgerError("STORE_UNAVAILABLE", `the keys of JWTs cannot be had from ${place}`, { place }, { cause });
    }
  };
}

const OF_THE_JWT = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];
