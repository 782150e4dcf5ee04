import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Tokens } from "../access/tokens.ts";
import type { Ledger, LedgerOptions } from "../api/ledger.ts";
import { LedgerError } from "../errors.ts";
import type { ServerProjections } from "../store/server-projections.ts";
import type { Output } from "./output.ts";

/** What every command understands, before or after its name. */
export interface GlobalOptions {
  readonly store: string;
  readonly token?: string;
  readonly readModel?: string;
  readonly json?: true;
  readonly actor?: string;
  readonly reason?: string;
  readonly commandId?: string;
  readonly dryRun?: true;
  readonly quiet?: true;
  readonly color: boolean;
}

export type OpenLedger = (url: string, options?: LedgerOptions) => Promise<Ledger>;
export type OpenProjections = (url: string) => Promise<ServerProjections>;

/** What the command `serve` asks of the service; `main.ts` brings the two together. */
export interface ServeRequest {
  readonly store: string;
  readonly readModel?: string;
  readonly host: string;
  readonly port: number;
  /** Requests a client may make in ten seconds; 0 for no limit. */
  readonly rateLimit?: number;
  /** Names beside the loopback's own that requests may come under. */
  readonly allowedHosts?: readonly string[];
  readonly version: string;
  readonly logLevel?: string;
  /** Whose JWTs let somebody in beside the ledger's own tokens. */
  readonly jwt?: { readonly issuer?: string; readonly audience?: string; readonly key?: string };
  /** Aborts when the service is to end. */
  readonly signal: AbortSignal;
  /** Told where it listens. */
  readonly onListening: (url: string) => void;
}

/** Serves until `signal` aborts and all that was under way is done. */
export type Serve = (request: ServeRequest) => Promise<void>;

/** The tokens in a ledger's store, which `close` lets go. */
export interface OpenedTokens {
  readonly tokens: Tokens;
  close(): Promise<void>;
}

export type OpenTokens = (url: string) => Promise<OpenedTokens>;

/** What the program's composition root gives every command. */
interface Given {
  readonly open: OpenLedger;
  readonly openProjections: OpenProjections;
  readonly openTokens: OpenTokens;
  readonly serve: Serve;
  readonly version: string;
  readonly signal: AbortSignal;
}

/** One run of the program. */
export class Session {
  readonly globals: GlobalOptions;
  readonly out: Output;
  /** Aborts on Ctrl-C and on a polite request to end. */
  readonly signal: AbortSignal;
  readonly version: string;
  readonly openProjections: OpenProjections;
  readonly openTokens: OpenTokens;
  readonly serve: Serve;
  readonly #open: OpenLedger;
  #ledger: Promise<Ledger> | undefined;

  constructor(
    globals: GlobalOptions,
    out: Output,
    { open, openProjections, openTokens, serve, signal, version }: Given,
  ) {
    this.globals = globals;
    this.out = out;
    this.signal = signal;
    this.version = version;
    this.openProjections = openProjections;
    this.openTokens = openTokens;
    this.serve = serve;
    this.#open = open;
  }

  /**
   * Does what may begin a ledger. Where the file is yet to be made it is tried on an empty ledger first: neither a
   * refused command nor a dry run leaves a file behind.
   */
  async write<Result>(act: (ledger: Ledger) => Promise<Result>): Promise<Result> {
    if (this.#missingFile() !== undefined) {
      await using trial = await this.#open("memory:");
      const result = await act(trial);
      if (this.globals.dryRun) return result;
    }
    return act(await this.forWriting());
  }

  /** The ledger to write to; its file is made if it is not there. */
  forWriting(): Promise<Ledger> {
    const { store, readModel, token } = this.globals;
    this.#ledger ??= this.#open(store, {
      ...(readModel !== undefined && { readModel }),
      ...(token !== undefined && { token }),
    });
    return this.#ledger;
  }

  /**
   * The ledger as it is, for commands that need what is in it. Where there is no file yet it is an empty one, said aloud
   * and not written: a mistyped path must not leave an empty ledger behind.
   */
  existing(): Promise<Ledger> {
    const store = this.existingStore();
    if (store === this.globals.store) return this.forWriting();
    this.#ledger ??= this.#open(store);
    return this.#ledger;
  }

  /** The address of the ledger as it is, or of an empty one: see {@link existing}. */
  existingStore(): string {
    const path = this.#missingFile();
    if (path === undefined) return this.globals.store;
    this.out.aside(
      `there is no ledger at ${path} yet; a training makes it, --store or MODEL_LEDGER_STORE names another`,
    );
    return "memory:";
  }

  /** @throws {LedgerError} STORE_UNAVAILABLE where there is no file: to find nothing wrong with it would mislead. */
  mustExist(): Promise<Ledger> {
    const path = this.#missingFile();
    if (path === undefined) return this.forWriting();
    throw new LedgerError("STORE_UNAVAILABLE", `there is no ledger at ${path}: record a training first`, { path });
  }

  /** The path of a ledger that could be made where it is not; of any other address the store itself complains. */
  #missingFile(): string | undefined {
    const [, path] = /^sqlite:(?!:memory:$|\/\/[^/])(.*\S.*)$/is.exec(this.globals.store) ?? [];
    return path !== undefined && !existsSync(path) && existsSync(dirname(path)) ? path : undefined;
  }

  /** What a writing command takes from the global options. */
  get commandOptions() {
    const { actor, reason, commandId, dryRun } = this.globals;
    return {
      ...(actor !== undefined && { actor }),
      ...(reason !== undefined && { reason }),
      ...(commandId !== undefined && { commandId }),
      ...(dryRun && { dryRun }),
      signal: this.signal,
    };
  }

  /** In front of what a command says that it did. */
  get dryPrefix(): string {
    return this.globals.dryRun ? "dry run, nothing was written: " : "";
  }

  /** What a dry run adds to the result of a command. */
  get dryMark(): { readonly dryRun?: true } {
    return this.globals.dryRun ? { dryRun: true } : {};
  }

  /** @throws {LedgerError} INVALID_INPUT in a dry run, of a command that can only be done. */
  refuseDryRun(what: string): void {
    if (this.globals.dryRun) throw new LedgerError("INVALID_INPUT", `${what} has no --dry-run: leave one of them out`);
  }

  async close(): Promise<void> {
    const ledger = await this.#ledger?.catch(() => undefined);
    await ledger?.close();
  }
}

/** Commands that have commands of their own, and what those are about. */
export const FAMILIES = {
  token: { summary: "who may ask the service, and what", example: "token create --name ci --scope train" },
  park: { summary: "events that a durable subscription could not handle", example: "park list" },
  webhook: { summary: "tell others of events over HTTP, signed", example: "webhook list" },
} as const;

/** One command of the program: a value in the table of `program.ts`. */
export interface CliCommand {
  readonly group: "Record and deploy" | "Govern" | "Ask" | "Watch and check" | "Prove" | "Serve";
  /** The command that this one is a part of: "park" for `model-ledger park list`. */
  readonly within?: keyof typeof FAMILIES;
  /** Name and arguments, as the help shows them: "deploy <project>". */
  readonly signature: string;
  readonly summary: string;
  readonly examples: readonly string[];
  /** Adds the command's own options. */
  readonly configure?: (command: Command) => Command;
  /** Does it; the number is the exit code, 0 unless given. `options` are the command's own, as commander reads them. */
  readonly run: (session: Session, args: readonly string[], options: Options) => Promise<number | undefined>;
}

export type Options = Readonly<Record<string, unknown>>;

/** The options that were given, under the names that the ledger knows them by. */
export function given(options: Options, ...names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]));
}

const CLOCKS: Readonly<Record<string, string>> = { "recorded-at": "recordedAt", "deployed-at": "deployedAt" };

/** Which of the two clocks a question about the past goes by. */
export const byOption = (): Option =>
  new Option("--by <clock>", "by the ledger's time or by the time that callers gave (default: recorded-at)").choices(
    Object.keys(CLOCKS),
  );

/** What {@link byOption} read, as the ledger has it. */
export const clockOf = (by: unknown) => (typeof by === "string" ? { by: CLOCKS[by] } : {});

/** A whole number, all of the text. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

/** What looks like an ISO 8601 time; the ledger looks closer. */
export function timeText(text: string): string {
  if (/^\d{4}-\d\d-\d\d/.test(text)) return text;
  throw new InvalidArgumentError("It must be an ISO 8601 time, for example 2026-05-04T10:00:00Z.");
}

/** A number, all of the text: "1e3" and ".5" are, "1,5", "0x10" and "NaN" are not. */
export function decimalNumber(text: string): number {
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text));
  if (!isNumber) throw new InvalidArgumentError(`"${text}" is not a number.`);
  return Number(text);
}

/** `name=value`, repeated; each name once. */
export function assignments<Value>(parse: (text: string) => Value) {
  return (text: string, before: Readonly<Record<string, Value>> = {}): Record<string, Value> => {
    const at = text.indexOf("=");
    if (at < 1) throw new InvalidArgumentError(`"${text}" must be written as name=value.`);
    const name = text.slice(0, at);
    if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`"${name}" is given twice.`);
    return Object.fromEntries([...Object.entries(before), [name, parse(text.slice(at + 1))]]);
  };
}
