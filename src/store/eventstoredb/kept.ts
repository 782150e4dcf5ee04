import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { LedgerError } from "../../errors.ts";
import { pause, type Runtime } from "../../runtime.ts";
import { staleKeep } from "../append-rules.ts";
import type { ExpectedKept, ExpectedRevision, Kept } from "../event-store.ts";
import { type Answer, type AppendStream, appendRequest, type Proposed } from "./append-stream.ts";
import type { StreamNames } from "./names.ts";
import type { EventStoreDbReader } from "./reader.ts";
import { patience, pauseMs } from "./retry.ts";
import { MAX_INT64, type Recorded } from "./wire.ts";

/** Every value is one event, or as many as it takes with the last naming their number: a reader never sees half of one. */
const TYPE = "Kept";
const MAX_CHUNK_BYTES = 900_000;
/** The stream keeps so many events: the largest value, and beside it two more that others may be writing. */
const MAX_EVENTS_KEPT = 96;
const MAX_CHUNKS = MAX_EVENTS_KEPT / 3;
/** Shorter values stay text that a person can read in the server's own pages. */
const MIN_GZIP_BYTES = 16 * 1024;
/** Compression that costs little: a snapshot shrinks to a tenth. */
const GZIP_LEVEL = 1;

const compress = promisify<Buffer, { level: number }, Buffer>(gzip);
const expand = promisify<Uint8Array, Buffer>(gunzip);

interface Chunk {
  /** The id of the value that this is a part of. */
  readonly value: string;
  readonly index: number;
  readonly chunks: number;
  readonly encoding: "json" | "gzip";
}

type Settled = Extract<Answer, { readonly kind: "written" | "stale" }>;

interface Place {
  readonly name: string;
  readonly stream: string;
}

interface Parts {
  readonly address: string;
  readonly deadlineMs: number;
  readonly runtime: Runtime;
  readonly names: StreamNames;
  readonly appends: AppendStream;
  readonly reader: EventStoreDbReader;
  readonly closing: AbortSignal;
}

export function keptValues({ address, deadlineMs, runtime, names, appends, reader, closing }: Parts) {
  /** Streams whose `$maxCount` is set. */
  const bounded = new Set<string>();
  /** The last of each stream in this process: values are written one after another. */
  const writing = new Map<string, Promise<unknown>>();

  /**
   * Appends. Sent again after a lost answer, it is the same value twice without an expected revision; with one the
   * server takes it for the append that it was.
   */
  async function write(stream: string, event: Proposed, expected: ExpectedRevision | "any"): Promise<Settled> {
    const request = appendRequest(stream, [event], expected);
    const { hasTime, end } = patience(deadlineMs, runtime);
    try {
      for (let failures = 0; ; failures++) {
        const answer = await appends.submit(request);
        if (answer.kind === "written" || answer.kind === "stale") return answer;
        if (answer.kind === "refused" || !hasTime() || closing.aborted) {
          const why = answer.kind === "refused" ? answer.why : `no answer (${String(answer.error)})`;
          throw new LedgerError(
            "STORE_UNAVAILABLE",
            `the EventStoreDB at ${address} did not keep "${stream}": ${why}`,
            { address },
            { cause: answer.kind === "refused" ? undefined : answer.error },
          );
        }
        await pause(pauseMs(failures, runtime), runtime, closing);
      }
    } finally {
      end();
    }
  }

  /** Expecting that the stream has no settings yet, so that an operator's own stay. */
  async function bound(stream: string): Promise<void> {
    if (bounded.has(stream)) return;
    const data = JSON.stringify({ $maxCount: MAX_EVENTS_KEPT });
    const settings = { id: runtime.newId(), type: "$metadata", data, metadata: "", isJson: true };
    await write(`$$${stream}`, settings, "no_stream");
    bounded.add(stream);
  }

  /**
   * A value of several events is kept by its last one. Who expects a revision expects it of the stream, and each
   * further event that the one before is still the last: whoever writes in between wins, and the rest is no value.
   */
  async function keep(
    { name, stream }: Place,
    value: string,
    expected: ExpectedRevision | "any",
  ): Promise<bigint | { readonly actual: ExpectedRevision }> {
    const text = Buffer.from(value);
    const isZipped = text.length >= MIN_GZIP_BYTES;
    const bytes = isZipped ? await compress(text, { level: GZIP_LEVEL }) : text;
    const chunks = Math.ceil(bytes.length / MAX_CHUNK_BYTES);
    if (chunks > MAX_CHUNKS) throw tooLarge(name, bytes.length);
    await bound(stream);
    const id = runtime.newId();
    let revision: bigint | undefined;
    for (let index = 0; index < chunks; index++) {
      const chunk: Chunk = { value: id, index, chunks, encoding: isZipped ? "gzip" : "json" };
      const event = {
        id: runtime.newId(),
        type: TYPE,
        data: bytes.subarray(index * MAX_CHUNK_BYTES, (index + 1) * MAX_CHUNK_BYTES),
        metadata: JSON.stringify(chunk),
        isJson: !isZipped,
      };
      const answer = await write(stream, event, expected === "any" ? "any" : (revision ?? expected));
      if (answer.kind === "stale") return { actual: answer.actual };
      revision = answer.appended.revision;
    }
    return revision ?? 0n;
  }

  async function kept(stream: string): Promise<Kept | undefined> {
    const [last] = await reader.newest(stream, 1);
    if (!last) return undefined;
    const isWhole = chunkOf(last)?.chunks === 1;
    const value = await newestValue(isWhole ? [last] : await reader.newest(stream, MAX_EVENTS_KEPT));
    return value === undefined ? undefined : { value, revision: BigInt(last.getStreamRevision()) };
  }

  async function compareAndSet(place: Place, value: string, expected: ExpectedKept): Promise<bigint> {
    const first = expected === "none" ? "no_stream" : expected > MAX_INT64 ? MAX_INT64 : expected;
    const result = await keep(place, value, first);
    if (typeof result === "bigint") return result;
    const there = await kept(place.stream);
    // a stream that holds no more than the beginning of a value whose writer died holds none
    const again = expected === "none" && !there ? await keep(place, value, result.actual) : result;
    if (typeof again === "bigint") return again;
    throw staleKeep(place.name, expected, (there ?? (await kept(place.stream)))?.revision ?? "none");
  }

  return {
    async keep(name: string, value: string, expected: ExpectedKept | undefined): Promise<bigint> {
      const stream = names.ofKept(name);
      const place = { name, stream };
      const turn = (writing.get(stream) ?? Promise.resolve()).then(async () => {
        if (expected !== undefined) return compareAndSet(place, value, expected);
        const result = await keep(place, value, "any");
        return typeof result === "bigint" ? result : 0n;
      });
      const settled = turn.catch(() => undefined);
      writing.set(stream, settled);
      try {
        return await turn;
      } finally {
        if (writing.get(stream) === settled) writing.delete(stream);
      }
    },
    kept: (name: string) => kept(names.ofKept(name)),
  };
}

/** Out of the newest events of a stream, the newest first: the value whose last chunk is the newest of all whole ones. */
async function newestValue(events: readonly Recorded[]): Promise<string | undefined> {
  const found = new Map<string, Map<number, Uint8Array>>();
  const inOrderOfLastChunk: Chunk[] = [];
  for (const event of events) {
    const chunk = chunkOf(event);
    if (!chunk) continue;
    if (chunk.index === chunk.chunks - 1) inOrderOfLastChunk.push(chunk);
    const parts = found.get(chunk.value) ?? new Map<number, Uint8Array>();
    found.set(chunk.value, parts.set(chunk.index, event.getData_asU8()));
  }
  for (const { value, chunks, encoding } of inOrderOfLastChunk) {
    const parts = found.get(value);
    if (parts?.size !== chunks) continue;
    const ordered = [...parts].sort(([one], [other]) => one - other).map(([, bytes]) => bytes);
    const bytes = Buffer.concat(ordered);
    return (encoding === "gzip" ? await expand(bytes) : bytes).toString();
  }
  return undefined;
}

function chunkOf(event: Recorded): Chunk | undefined {
  if (event.getMetadataMap().get("type") !== TYPE) return undefined;
  try {
    return JSON.parse(Buffer.from(event.getCustomMetadata_asU8()).toString()) as Chunk;
  } catch {
    return undefined; // not written here
  }
}

const tooLarge = (name: string, bytes: number): LedgerError =>
  new LedgerError(
    "TOO_LARGE",
    `${bytes} bytes, compressed, are more than the ${MAX_CHUNKS * MAX_CHUNK_BYTES} that "${name}" holds`,
    { name, bytes, maxBytes: MAX_CHUNKS * MAX_CHUNK_BYTES },
  );
