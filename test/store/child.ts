import Database from "better-sqlite3";
import { v7 } from "uuid";
import { systemRuntime } from "../../src/runtime.ts";
import type { ExpectedRevision } from "../../src/store/event-store.ts";
import { type SqliteEventStore, sqliteEventStore } from "../../src/store/sqlite.ts";

/** Another process on the same ledger: `child.ts <task> <path>`, started by `child-process.ts`. */

const event = (data = "{}") => ({ id: v7(), type: "Tested", data, metadata: "{}" });
const tell = (message: unknown) => process.send?.(message);
const open = (path: string) => sqliteEventStore(path, systemRuntime());

async function untilNoConflict(work: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== "CONFLICT") throw error;
    }
  }
}

async function headOf(store: SqliteEventStore, stream: string): Promise<ExpectedRevision> {
  for await (const { revision } of store.readStream(stream, { direction: "backwards", maxCount: 1 })) return revision;
  return "no_stream";
}

const tasks: Readonly<Record<string, (path: string) => Promise<void>>> = {
  /** Adds 40 events to a stream that others add to as well, eight callers at a time. */
  async race(path) {
    const store = await open(path);
    const callers = [...Array(8)].map(async () => {
      for (let count = 0; count < 5; count++) {
        await untilNoConflict(async () => store.append("shared", [event()], await headOf(store, "shared")));
      }
    });
    await Promise.all(callers);
    await store.close();
  },

  /** Adds pairs of events for ever, and tells of each pair once it is acknowledged. */
  async writePairs(path) {
    const store = await open(path);
    const callers = [...Array(8)].map(async () => {
      const stream = v7();
      let expected: ExpectedRevision = "no_stream";
      for (;;) {
        const { revision, position } = await store.append(stream, [event(), event()], expected);
        tell({ stream, revision: String(revision), position });
        expected = revision;
      }
    });
    await Promise.all(callers);
  },

  /** Adds an event to the stream "told" for each message, and tells when it is there. */
  async appendWhenTold(path) {
    const store = await open(path);
    let last = await headOf(store, "told");
    process.on("message", async () => {
      last = (await store.append("told", [event()], last)).revision;
      tell(performance.timeOrigin + performance.now());
    });
    tell("ready");
  },

  /** Follows the log, alone with that, and ends at the first event. */
  async follow(path) {
    const store = await open(path);
    const events = await store.subscribe({ after: "end" });
    tell("ready");
    process.channel?.unref();
    for await (const { id } of events) {
      tell(id);
      break;
    }
    await store.close();
  },

  /** Takes the write lock, says so, and lets go at the first message. */
  async holdLock(path) {
    const database = new Database(path);
    database.exec("BEGIN IMMEDIATE");
    process.on("message", () => {
      database.exec("COMMIT");
      database.close();
      process.disconnect();
    });
    tell("locked");
  },

  /** Appends without waiting and goes, without closing: the acknowledgements are all that it tells. */
  async appendAndGo(path) {
    const store = await open(path);
    for (let stream = 0; stream < 20; stream++)
      void store.append(String(stream), [event()], "no_stream").then(() => tell(1));
    process.channel?.unref();
  },

  /** Reads, then tries to append, as a user who may do the first only. */
  async readOnly(path) {
    if (process.getuid?.() === 0) process.setuid?.(65_534);
    const store = await open(path);
    const events: string[] = [];
    for await (const { id } of store.readAll()) events.push(id);
    const error: unknown = await store.append("s", [event()], 0n).catch((refusal: unknown) => refusal);
    const { code, message, cause } = error as { code: string; message: string; cause: unknown };
    tell({ events, code, message, hasCause: cause !== undefined });
    await store.close();
  },

  /** Appends until it fails, then tells what was acknowledged, what is there and what the failure was. */
  async appendUntilFailure(path) {
    const store = await open(path);
    const acknowledged: string[] = [];
    let failure: { code?: string; message?: string; cause?: unknown } | undefined;
    let expected: ExpectedRevision = "no_stream";
    while (!failure) {
      const next = event(JSON.stringify("x".repeat(100_000)));
      try {
        expected = (await store.append("s", [next], expected)).revision;
        acknowledged.push(next.id);
      } catch (error) {
        failure = error as typeof failure & object;
      }
    }
    const found: string[] = [];
    for await (const { id } of store.readAll()) found.push(id);
    tell({ acknowledged, found, code: failure.code, message: failure.message, hasCause: failure.cause !== undefined });
    await store.close();
  },

  /** One commit by the plain driver. */
  async commitOnce(path) {
    const database = new Database(path);
    database.exec("INSERT INTO kept (name, value) VALUES (hex(randomblob(8)), '1')");
    database.close();
  },
};

const [task = "", path = ""] = process.argv.slice(2);
await tasks[task]?.(path);
