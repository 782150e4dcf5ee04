import { readFileSync } from "node:fs";
import type {
  ChannelCredentialOptions,
  Credentials,
  DNSClusterOptions,
  EndPoint,
  GossipClusterOptions,
  NodePreference,
  SingleNodeOptions,
} from "@eventstore/db-client";
import { LedgerError } from "../../errors.ts";

/** What a connection string says, as the client wants it. */
export interface EventStoreDbTarget {
  /** For messages: the scheme and the hosts, never the user or the password. */
  readonly address: string;
  /** Several hosts are named: while one is away, another may answer. */
  readonly isCluster: boolean;
  readonly settings: DNSClusterOptions | GossipClusterOptions | SingleNodeOptions;
  readonly channelCredentials: ChannelCredentialOptions;
  readonly credentials: Credentials | undefined;
  /** How long a call may go without an answer, and how long one is repeated in all (ms). */
  readonly deadlineMs: number;
  readonly keepAliveIntervalMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Where subscriptions are read; everything else asks the leader. */
  readonly nodePreference: NodePreference;
}

const DEFAULT_PORT = 2113;
const DEFAULT_DEADLINE_MS = 10_000;
const DEFAULT_KEEP_ALIVE_MS = 10_000;
/** The longest delay that a timer of Node takes; in place of -1, "never". */
const NEVER_MS = 2 ** 31 - 1_000_000;

const OPTIONS = [
  "tls",
  "tlsVerifyCert",
  "tlsCAFile",
  "userCertFile",
  "userKeyFile",
  "connectionName",
  "nodePreference",
  "defaultDeadline",
  "keepAliveInterval",
  "keepAliveTimeout",
  "discoveryInterval",
  "gossipTimeout",
  "maxDiscoverAttempts",
  "throwOnAppendFailure",
] as const;
type Option = (typeof OPTIONS)[number];

const NODE_PREFERENCES: readonly NodePreference[] = ["leader", "follower", "read_only_replica", "random"];

const invalid = (message: string, address: string): LedgerError =>
  new LedgerError("INVALID_INPUT", `connection string: ${message}`, { store: address });

/** Names of options are compared as the client does: without regard to case, `_` and `-`. */
const flat = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, "");

/**
 * Reads `esdb://`, `esdb+discover://`, `kurrentdb://` or `kurrentdb+discover://` with `user:password@`, one host or
 * several, and options. The client's own parser knows only the first two, cuts a password at its first colon, passes
 * over misspelt options and repeats the password in its errors.
 * @throws {LedgerError} INVALID_INPUT, without the password.
 */
export function parseConnectionString(url: string): EventStoreDbTarget {
  const match = /^(esdb|kurrentdb)(\+discover)?:\/\/(?:(.*)@)?([^/?@]*)\/?(?:\?(.*))?$/is.exec(url.trim());
  const [, product = "", discover, user, authority = "", query = ""] = match ?? [];
  const address = `${product.toLowerCase()}${discover?.toLowerCase() ?? ""}://${authority}`;
  if (!match) throw invalid("it should read esdb://user:password@host:2113?option=value", withoutUser(url));
  const endpoints = authority.split(",").map((host) => endpoint(host, address));
  const options = parseOptions(query, address);
  const flag = (name: Option, fallback: boolean): boolean => readFlag(options.get(name), name, fallback, address);
  const number = (name: Option, fallback: number): number => readNumber(options.get(name), name, fallback, address);
  const nodePreference = NODE_PREFERENCES.find((one) => flat(one) === flat(options.get("nodePreference") ?? "leader"));
  if (!nodePreference) throw invalid(`nodePreference is one of ${NODE_PREFERENCES.join(", ")}`, address);

  const discovery = {
    // One look at every seed: whoever asks tries again until its own deadline, and close() does not wait for more.
    maxDiscoverAttempts: 1,
    discoveryInterval: number("discoveryInterval", 100),
    gossipTimeout: number("gossipTimeout", 2),
  };
  const name = options.get("connectionName");
  const named = name === undefined ? {} : { connectionName: name };
  const [first] = endpoints;
  if (!first) throw invalid("it names no host", address);
  let settings: EventStoreDbTarget["settings"] = { endpoint: first, ...named };
  if (endpoints.length > 1) settings = { endpoints, ...discovery, ...named };
  else if (discover) settings = { discover: first, ...discovery, ...named };

  return {
    address,
    isCluster: endpoints.length > 1,
    settings,
    channelCredentials: channelCredentials(options, flag, address),
    credentials: user === undefined ? undefined : readCredentials(user, address),
    deadlineMs: number("defaultDeadline", DEFAULT_DEADLINE_MS) || DEFAULT_DEADLINE_MS,
    keepAliveIntervalMs: orNever(number("keepAliveInterval", DEFAULT_KEEP_ALIVE_MS)),
    keepAliveTimeoutMs: orNever(number("keepAliveTimeout", DEFAULT_KEEP_ALIVE_MS)),
    nodePreference,
  };
}

const withoutUser = (url: string): string => url.replace(/\/\/.*@/s, "//…@");

const orNever = (ms: number): number => (ms < 0 ? NEVER_MS : ms);

function endpoint(host: string, address: string): EndPoint {
  const [, name = "", port] = /^(\[[\da-f:.]+\]|[^\s:]+)(?::(\d{1,5}))?$/i.exec(host.trim()) ?? [];
  const number = port === undefined ? DEFAULT_PORT : Number(port);
  if (name === "" || number < 1 || number > 65_535) throw invalid(`"${host}" is no host:port`, address);
  return { address: name, port: number };
}

/** `user:password`, each percent-encoded; the password may hold colons. */
function readCredentials(user: string, address: string): Credentials {
  const [, username = "", password] = /^([^:]+):(.+)$/s.exec(user) ?? [];
  if (password === undefined) throw invalid("before the @ stands user:password", address);
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    throw invalid("the user or the password is not percent-encoded", address);
  }
}

function parseOptions(query: string, address: string): ReadonlyMap<Option, string> {
  const options = new Map<Option, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const option = OPTIONS.find((known) => flat(known) === flat(name));
    if (!option) throw invalid(`"${name}" is no option; options are ${OPTIONS.join(", ")}`, address);
    options.set(option, value.trim());
  }
  return options;
}

function readFlag(value: string | undefined, name: string, fallback: boolean, address: string): boolean {
  if (value === undefined) return fallback;
  if (value !== "true" && value !== "false") throw invalid(`${name} is true or false, not "${value}"`, address);
  return value === "true";
}

function readNumber(value: string | undefined, name: string, fallback: number, address: string): number {
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!(/^(-1|\d{1,9})$/.test(value) && Number.isSafeInteger(number))) {
    throw invalid(`${name} is a whole number, or -1 for never, not "${value}"`, address);
  }
  return number;
}

function channelCredentials(
  options: ReadonlyMap<Option, string>,
  flag: (name: Option, fallback: boolean) => boolean,
  address: string,
): ChannelCredentialOptions {
  if (!flag("tls", true)) return { insecure: true };
  const certificate = options.get("userCertFile");
  const key = options.get("userKeyFile");
  if ((certificate === undefined) !== (key === undefined)) {
    throw invalid("userCertFile and userKeyFile go together", address);
  }
  const authority = options.get("tlsCAFile");
  return {
    insecure: false,
    ...(authority !== undefined && { rootCertificate: readFile(authority, "tlsCAFile", address) }),
    ...(certificate !== undefined && { userCertFile: readFile(certificate, "userCertFile", address) }),
    ...(key !== undefined && { userKeyFile: readFile(key, "userKeyFile", address) }),
    ...(!flag("tlsVerifyCert", true) && { verifyOptions: { rejectUnauthorized: false } }),
  };
}

function readFile(path: string, option: Option, address: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new LedgerError(
      "INVALID_INPUT",
      `connection string: ${option} "${path}" cannot be read`,
      { store: address },
      { cause },
    );
  }
}
