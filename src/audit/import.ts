import { setImmediate } from "node:timers/promises";
import { LedgerError, refuseAborted } from "../errors.ts";
import { projectOf } from "../events/names.ts";
import { canonicalText, unsealed, withHash } from "../ledger/hash-chain.ts";
import type { Append, EventStore, NewEvent } from "../store/event-store.ts";
import { ChainCheck } from "./chain-check.ts";
import { brokenLine, type ExportedEvent, exportedEvents } from "./export.ts";

export interface Imported {
  /** How many events the export holds, and of how many streams. */
  readonly events: number;
  readonly streams: number;
  /** How many of them were not in the ledger yet, and now are. */
  readonly written: number;
}

interface ImportOptions {
  readonly signal?: AbortSignal | undefined;
  /** Checks everything and writes nothing: `written` is what would have been. */
  readonly dryRun?: boolean | undefined;
  /** Told now and then how many events have been checked, then how many of them have been passed or written. */
  readonly onProgress?: ((events: number, phase: "checking" | "writing") => void) | undefined;
}

type Lines = () => AsyncIterable<string>;

/** Where a stream of the ledger ended before the import. */
interface End {
  readonly revision: bigint;
  readonly hash: string;
  readonly id: string;
}

/** One append takes about so many characters, unless a single command wrote more. */
const BATCH_LENGTH = 256 * 1024;
/** So much may share a commit: what interleaved projects wrote is many small appends. */
const COMMIT_APPENDS = 512;
const COMMIT_LENGTH = 4 * 1024 * 1024;
const TURN_EVENTS = 1_000;

/**
 * Restores an export into a ledger: the same ids, revisions and hashes, in the order of the log. `open` reads it twice:
 * every chain is recomputed and compared with what the ledger holds before the first event is written. Events that are
 * there already are passed over, so an import that was interrupted goes on when it is repeated.
 * @throws {LedgerError} CORRUPT at the first line that is broken; CONFLICT where a stream holds something else.
 */
export async function importLines(store: EventStore, open: Lines, options: ImportOptions): Promise<Imported> {
  const { chain, ends } = await checked(store, open, options);
  let written = 0;
  for (const [stream, last] of chain.heads())
    written += Math.max(0, Number(last - (ends.get(stream)?.revision ?? -1n)));
  if (!options.dryRun && written > 0) {
    const found = await write(store, open, ends, options);
    if (found !== chain.events) throw notTheSame(found, chain.events);
  }
  return { events: chain.events, streams: chain.streams, written };
}

async function checked(store: EventStore, open: Lines, { signal, onProgress }: ImportOptions) {
  const chain = new ChainCheck();
  const ends = new Map<string, End | undefined>();
  const ids = new Set<string>();
  for await (const event of exportedEvents(open())) {
    refuseAborted(signal, ABORTED);
    const { stream, revision, id } = event;
    if (!ends.has(stream)) ends.set(stream, await endOf(store, stream));
    const hash = follow(chain, event);
    if (ids.has(id)) throw brokenLine({ ...event, why: `its id ${id} is that of an earlier line` });
    ids.add(id);
    const end = ends.get(stream);
    if (end?.revision === revision && (end.hash !== hash || end.id !== id)) throw holdsSomethingElse(stream, revision);
    if (chain.events % TURN_EVENTS === 0) await turn(chain.events, "checking", onProgress);
  }
  for (const [stream, last, hash] of chain.heads()) {
    const end = ends.get(stream);
    if (end === undefined || end.revision <= last) continue;
    // The ledger went on after the export: it must have gone through where the export ends.
    const there = await endOf(store, stream, last);
    if (there?.hash !== hash) throw holdsSomethingElse(stream, last);
  }
  return { chain, ends };
}

/** How many events the export holds now that it is read again. */
async function write(
  store: EventStore,
  open: Lines,
  ends: ReadonlyMap<string, End | undefined>,
  options: ImportOptions,
): Promise<number> {
  const chain = new ChainCheck();
  let appends: Append[] = [];
  let length = 0;
  async function flush(): Promise<void> {
    await store.appendInOrder(appends);
    appends = [];
    length = 0;
  }
  for await (const batch of batches(commands(missing({ open, chain, ends }, options)))) {
    appends.push(appendOf(batch));
    length += lengthOf(batch);
    if (appends.length >= COMMIT_APPENDS || length >= COMMIT_LENGTH) await flush();
  }
  await flush();
  return chain.events;
}

function appendOf(batch: Command): Append {
  const [{ stream, revision }] = batch;
  return { stream, events: batch.map(asWritten), expected: revision === 0n ? "no_stream" : revision - 1n };
}

const lengthOf = (events: readonly ExportedEvent[]): number =>
  events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0);

interface Reread {
  readonly open: Lines;
  readonly chain: ChainCheck;
  readonly ends: ReadonlyMap<string, End | undefined>;
}

/** The events that the ledger does not hold, their chains recomputed once more: the file may have changed since. */
async function* missing(
  { open, chain, ends }: Reread,
  { signal, onProgress }: ImportOptions,
): AsyncGenerator<ExportedEvent> {
  for await (const event of exportedEvents(open())) {
    refuseAborted(signal, ABORTED);
    follow(chain, event);
    if (event.revision > (ends.get(event.stream)?.revision ?? -1n)) yield event;
    if (chain.events % TURN_EVENTS === 0) await turn(chain.events, "writing", onProgress);
  }
}

type Command = [ExportedEvent, ...ExportedEvent[]];

/** Events that one command wrote: they are appended together, or not at all. */
async function* commands(events: AsyncIterable<ExportedEvent>): AsyncGenerator<Command> {
  let command: Command | undefined;
  for await (const event of events) {
    if (command && command[0].stream === event.stream && command[0].commandId === event.commandId) {
      command.push(event);
      continue;
    }
    if (command) yield command;
    command = [event];
  }
  if (command) yield command;
}

/** Commands of one stream, as many as an append takes well. */
async function* batches(writtenBy: AsyncIterable<Command>): AsyncGenerator<Command> {
  let batch: Command | undefined;
  for await (const command of writtenBy) {
    if (batch && batch[0].stream === command[0].stream && lengthOf(batch) + lengthOf(command) <= BATCH_LENGTH) {
      batch.push(...command);
      continue;
    }
    if (batch) yield batch;
    batch = command;
  }
  if (batch) yield batch;
}

/** To the letter as the ledger that recorded it wrote it. */
function asWritten({ id, type, data, metadata }: ExportedEvent): NewEvent {
  const { metadata: rest, hash } = unsealed(metadata);
  return { id, type, data: canonicalText(data), metadata: withHash(rest, String(hash)) };
}

/** The event's hash. @throws {LedgerError} CORRUPT when it does not follow from the one before. */
function follow(chain: ChainCheck, event: ExportedEvent): string {
  const checked = chain.next(event);
  if ("why" in checked) throw brokenLine({ ...event, why: checked.why });
  return checked.hash;
}

async function endOf(store: EventStore, stream: string, at?: bigint): Promise<End | undefined> {
  const from = at === undefined ? {} : { from: at };
  for await (const { revision, metadata, id } of store.readStream(stream, {
    direction: "backwards",
    maxCount: 1,
    ...from,
  })) {
    const { hash } = JSON.parse(metadata) as { readonly hash?: unknown };
    return { revision, id, hash: String(hash) };
  }
  return undefined;
}

async function turn(events: number, phase: "checking" | "writing", onProgress: ImportOptions["onProgress"]) {
  onProgress?.(events, phase);
  await setImmediate();
}

const ABORTED = "the import was aborted; what it wrote is whole, and repeating it goes on from there";

function notTheSame(found: number, events: number): LedgerError {
  const message = `the export held ${events} events when it was checked and ${found} when it was read again to be written: give one that can be read twice; repeating the import writes what is missing`;
  return new LedgerError("INVALID_INPUT", message, { events, found });
}

function holdsSomethingElse(stream: string, revision: bigint): LedgerError {
  return new LedgerError(
    "CONFLICT",
    `"${projectOf(stream)}" holds another event ${revision} here than in the export, so nothing was written: import it into a ledger where the project is not`,
    { project: projectOf(stream), stream, revision: String(revision) },
  );
}
