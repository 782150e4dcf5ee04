import { LedgerError } from "../../src/errors.ts";
import type { ReadAllOptions, ReadStreamOptions, StoredEvent } from "../../src/store/event-store.ts";
import { formatPosition } from "../../src/store/position.ts";
import type { Connection } from "./connection.ts";

/** Reads over a connection, a page at a time; each page shows what reads show when it is carried out. */
export function reads({ server, machine, pageSize, strikes, ask, fail }: Connection, checkOpen: () => void) {
  const { memory } = server;
  const { random } = machine;

  async function page(what: string, asked: number, read: () => AsyncIterable<StoredEvent>) {
    if (strikes("read failed")) return fail(what, "the connection broke");
    if (strikes("read slow")) await machine.sleep(random.logUniform(10, 5_000));
    return ask(what, async () => {
      const events: StoredEvent[] = [];
      for await (const event of read()) events.push(event);
      const shown = events.filter((event) => server.isShown(event));
      return { events: shown, isLast: shown.length < asked };
    });
  }

  async function* pages(
    what: string,
    { maxCount = Number.POSITIVE_INFINITY, signal }: { readonly maxCount?: number; readonly signal?: AbortSignal },
    read: (last: StoredEvent | undefined, maxEvents: number) => AsyncIterable<StoredEvent>,
  ): AsyncGenerator<StoredEvent> {
    let last: StoredEvent | undefined;
    for (let left = maxCount; left > 0; ) {
      checkOpen();
      const asked = Math.min(pageSize, left);
      const { events, isLast } = await page(what, asked, () => read(last, asked));
      for (const event of events) {
        if (signal?.aborted) throw new LedgerError("ABORTED", "the read was aborted");
        yield event;
      }
      left -= events.length;
      if (isLast) return;
      last = events.at(-1);
    }
  }

  async function* readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<StoredEvent> {
    const { direction = "forwards", from, ...rest } = options;
    yield* pages("read a stream", rest, (last, maxCount) => {
      if (direction === "forwards") {
        return memory.readStream(stream, { maxCount, from: last === undefined ? (from ?? 0n) : last.revision + 1n });
      }
      const head = BigInt(server.headOf(stream)) - 1n;
      const next = last === undefined ? (from ?? head) : last.revision - 1n;
      if (next < 0n || head < 0n) return nothing();
      return memory.readStream(stream, { direction, maxCount, from: next < head ? next : head });
    });
  }

  async function* readAll(options: ReadAllOptions = {}): AsyncGenerator<StoredEvent> {
    const { direction = "forwards", after, ...rest } = options;
    yield* pages("read the log", rest, (last, maxCount) => {
      const end = direction === "forwards" ? undefined : formatPosition(server.events + 1);
      const beyond = last?.position ?? after ?? end;
      return memory.readAll({ direction, maxCount, ...(beyond !== undefined && { after: beyond }) });
    });
  }

  return { readStream, readAll };
}

async function* nothing(): AsyncGenerator<StoredEvent> {
  // a stream's first event has none before it
}
