import { existsSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { LedgerError } from "../errors.ts";
import type { Ledger, LedgerOptions } from "../open-ledger.ts";
import type { Output } from "./output.ts";

/** What every command understands, before or after its name. */
export interface GlobalOptions {
  readonly store: string;
  readonly json?: true;
  readonly actor?: string;
  readonly reason?: string;
  readonly commandId?: string;
  readonly dryRun?: true;
  readonly quiet?: true;
  readonly color: boolean;
}

export type OpenLedger = (url: string, options?: LedgerOptions) => Promise<Ledger>;

/** One run of the program. */
export class Session {
  readonly globals: GlobalOptions;
  readonly out: Output;
  /** Aborts on Ctrl-C and on a polite request to end. */
  readonly signal: AbortSignal;
  readonly #open: OpenLedger;
  #ledger: Promise<Ledger> | undefined;

  constructor(globals: GlobalOptions, out: Output, open: OpenLedger, signal: AbortSignal) {
    this.globals = globals;
    this.out = out;
    this.signal = signal;
    this.#open = open;
  }

  /** The ledger to write to; its file is made if it is not there. */
  forWriting(): Promise<Ledger> {
    this.#ledger ??= this.#open(this.globals.store);
    return this.#ledger;
  }

  /** The ledger to ask. A mistyped path is an error here, never a new empty file. */
  forReading(): Promise<Ledger> {
    const [, path] = /^sqlite:(.+)$/is.exec(this.globals.store) ?? [];
    if (path !== undefined && this.#ledger === undefined && !existsSync(path)) {
      throw new LedgerError(
        "STORE_UNAVAILABLE",
        `there is no ledger at ${path}: record a training first, or name another with --store or MODEL_LEDGER_STORE`,
        { path },
      );
    }
    return this.forWriting();
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

  async close(): Promise<void> {
    const ledger = await this.#ledger?.catch(() => undefined);
    await ledger?.close();
  }
}

/** One command of the program: a value in the table of `program.ts`. */
export interface CliCommand {
  readonly group: "Record and deploy" | "Govern" | "Ask" | "Watch and check";
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

/** A whole number, all of the text. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
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
