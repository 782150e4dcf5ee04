import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LedgerError } from "../../src/errors.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { Appended, EventStore, ExpectedRevision, NewEvent, StoredEvent } from "../../src/store/event-store.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { collect, event, type Listening, listen, newEvents, range } from "./events.ts";
import { freshCategory, onOwnEventStoreDb } from "./server.ts";

/** The server is stopped, killed and started again on the same folder. A start takes many seconds on a busy machine. */
const PATIENCE_MS = 180_000;
const SHORT_DEADLINE_MS = 2_000;
const UNAVAILABLE = { code: "STORE_UNAVAILABLE" };

interface Attempt {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly NewEvent[];
  readonly outcome: Appended | LedgerError;
}

/** A thousand appends of two events by 200 writers, each until one of its own fails; `onAcknowledged` counts successes. */
async function thousandAppends(store: EventStore, onAcknowledged: (count: number) => void): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  let acknowledged = 0;
  const writers = range(200).map(async (writer) => {
    const stream = `modelLedger-${writer}`;
    let expected: ExpectedRevision = "no_stream";
    for (const _ of range(5)) {
      const events = newEvents(2);
      try {
        const outcome: Appended = await store.append(stream, events, expected);
        attempts.push({ stream, expected, events, outcome });
        expected = outcome.revision;
        acknowledged += 1;
        onAcknowledged(acknowledged);
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error;
        attempts.push({ stream, expected, events, outcome: error });
        return;
      }
    }
  });
  await Promise.all(writers);
  return attempts;
}

const isFailed = ({ outcome }: Attempt): boolean => outcome instanceof LedgerError;

/** All that was acknowledged is where it was said to be, once; of the rest each is there whole and once, or not at all. */
async function expectTruth(store: EventStore, attempts: readonly Attempt[]): Promise<void> {
  const log = await collect(store.readAll());
  const places = Map.groupBy(log, ({ id }) => id);
  for (const { stream, events, outcome } of attempts) {
    const found = events.flatMap(({ id }) => places.get(id) ?? []);
    if (outcome instanceof LedgerError) {
      expect([0, 2]).toContain(found.length);
    } else {
      expect(found.map((each) => each.stream)).toEqual([stream, stream]);
      expect(found.map(({ revision }) => revision)).toEqual([outcome.revision - 1n, outcome.revision]);
      expect(found[1]?.position).toBe(outcome.position);
    }
  }
  for (const history of Map.groupBy(log, ({ stream }) => stream).values()) {
    expect(history.map(({ revision }) => Number(revision))).toEqual(range(history.length));
  }
}

/** Does it again as long as the server is not there for it: it was started again, or goes on, just now. */
async function untilAvailable<Result>(action: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof LedgerError && error.code === "STORE_UNAVAILABLE")) throw error;
    }
  }
}

onOwnEventStoreDb(
  (server) => {
    const opened: EventStore[] = [];
    async function open({
      scheme = "esdb",
      deadlineMs = PATIENCE_MS,
      category = freshCategory(),
    } = {}): Promise<EventStore> {
      const url = `${scheme}://127.0.0.1:${server().port}?tls=false&defaultDeadline=${deadlineMs}`;
      const store = await eventStoreDbEventStore(url, systemRuntime(), { category });
      opened.push(store);
      return store;
    }
    afterAll(() => Promise.all(opened.map((store) => store.close())));

    /** Appends pairs to one stream until stopped; gives the ids of what was acknowledged. */
    function keepAppending(store: EventStore): { stop(): Promise<readonly string[]> } {
      let isWriting = true;
      const writing = (async () => {
        const written: string[] = [];
        for (let expected: ExpectedRevision = "no_stream"; isWriting; ) {
          const events = newEvents(2);
          expected = (await store.append("modelLedger-A", events, expected)).revision;
          written.push(...events.map(({ id }) => id));
        }
        return written;
      })();
      return {
        stop() {
          isWriting = false;
          return writing;
        },
      };
    }

    test.for(["SIGTERM", "SIGKILL"] as const)(
      "subscriptions and appends live through a restart after %s: no gap, no repeat",
      async (signal) => {
        const store = await open();
        const following = [
          await listen(store, { after: "start" }),
          await listen(store, { after: "end" }),
          await listen(store, { after: "start", stream: "modelLedger-A" }),
        ];
        const seen: StoredEvent[][] = following.map(() => []);
        const take = (count: number) =>
          Promise.all(following.map(async (live, index) => seen[index]?.push(...(await live.take(count)))));
        const writer = keepAppending(store);
        await take(50);
        server().kill(signal);
        await server().restart();
        await take(50);
        const written = await writer.stop();
        await take(written.length - 100);
        for (const events of seen) expect(events.map(({ id }) => id)).toEqual(written);
      },
    );

    describe("a server that is stopped (SIGSTOP)", () => {
      const events = newEvents(2);
      let store: EventStore;
      let other: EventStore;
      beforeAll(async () => {
        store = await open({ deadlineMs: SHORT_DEADLINE_MS });
        other = await open({ deadlineMs: SHORT_DEADLINE_MS });
        await store.append("modelLedger-A", [event()], "no_stream");
        server().kill("SIGSTOP");
      }, PATIENCE_MS);
      afterAll(() => server().kill("SIGCONT"));

      test("leaves every call STORE_UNAVAILABLE in bounded time", async () => {
        const start = performance.now();
        const outcomes = await Promise.allSettled([
          store.append("modelLedger-A", events, 0n),
          ...range(20).map((index) => store.append(`modelLedger-${index}`, [event()], "no_stream")),
          collect(store.readStream("modelLedger-A")),
          store.subscribe({ after: "end" }),
          store.keep("a", "1"),
        ]);
        expect(performance.now() - start).toBeLessThan(15_000);
        for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: UNAVAILABLE });
      });

      test("does not keep close() waiting", async () => {
        const appending = other.append("modelLedger-B", [event()], "no_stream").catch((error: unknown) => error);
        const start = performance.now();
        await other.close();
        expect(performance.now() - start).toBeLessThan(10_000);
        expect(await appending).toMatchObject(UNAVAILABLE);
      });

      test("and goes on: what was sent meanwhile is there at most once, and its repetition says where", async () => {
        server().kill("SIGCONT");
        const { revision } = await untilAvailable(() => store.append("modelLedger-A", events, 0n));
        expect(revision).toBe(2n);
        expect(await collect(store.readStream("modelLedger-A"))).toHaveLength(3);
      });
    });

    test(
      "killed with -9 in the middle of a thousand appends and started again, all of them are acknowledged and there once",
      async () => {
        const store = await open();
        let restarted: Promise<void> | undefined;
        const attempts = await thousandAppends(store, (acknowledged) => {
          if (acknowledged !== 300) return;
          server().kill("SIGKILL");
          restarted = server().restart();
        });
        await restarted;
        expect(attempts.filter(isFailed)).toEqual([]);
        await expectTruth(store, attempts);
      },
      PATIENCE_MS,
    );

    describe("a server killed with -9 in the middle of a thousand appends", () => {
      const SCHEMES = ["esdb", "esdb+discover", "kurrentdb+discover"];
      let store: EventStore;
      let attempts: readonly Attempt[];
      const others = new Map<string, EventStore>();
      const category = freshCategory();
      let patient: EventStore;
      let live: Listening;
      beforeAll(async () => {
        patient = await open();
        live = await listen(patient, { after: "start" });
        await patient.append("modelLedger-A", [event()], "no_stream");
        await live.take(1);
        for (const scheme of SCHEMES) {
          const other = await open({ scheme, deadlineMs: SHORT_DEADLINE_MS });
          await other.append("modelLedger-A", [event()], "no_stream");
          others.set(scheme, other);
        }
        store = await open({ deadlineMs: SHORT_DEADLINE_MS, category });
        attempts = await thousandAppends(store, (acknowledged) => {
          if (acknowledged === 300) server().kill("SIGKILL");
        });
      }, PATIENCE_MS);
      const other = (scheme: string): EventStore => others.get(scheme) ?? store;

      test("and left so: each has an outcome, and those without an acknowledgement are STORE_UNAVAILABLE", () => {
        const failed = attempts.filter(isFailed);
        expect(failed.length).toBeGreaterThan(50);
        for (const { outcome } of failed) expect(outcome).toMatchObject(UNAVAILABLE);
      });

      test.for(SCHEMES)("is STORE_UNAVAILABLE, call by call (%s://)", async (scheme) => {
        const start = performance.now();
        const outcomes = await Promise.allSettled([
          other(scheme).append("modelLedger-A", [event()], 0n),
          collect(other(scheme).readAll()),
          other(scheme).kept("a"),
          open({ scheme }),
        ]);
        expect(performance.now() - start).toBeLessThan(10_000);
        for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: UNAVAILABLE });
      });

      test("does not keep close() waiting, nor what waits for it", async () => {
        const next = live.iterator.next();
        const appending = patient.append("modelLedger-A", [event()], 0n).catch((error: unknown) => error);
        const start = performance.now();
        await patient.close();
        expect(performance.now() - start).toBeLessThan(10_000);
        expect((await next).done).toBe(true);
        expect(await appending).toMatchObject(UNAVAILABLE);
      });

      describe("and started again", () => {
        let reader: EventStore;
        beforeAll(async () => {
          await server().restart();
          reader = await open({ category });
        }, PATIENCE_MS);

        test("has what was acknowledged once, and the rest at most once", () => expectTruth(reader, attempts));

        test("tells whoever repeats an append what became of it", async () => {
          const unknown = [...Map.groupBy(attempts.filter(isFailed), ({ stream }) => stream).values()];
          const repeating = unknown.map(async ([first]) => {
            if (!first) throw new Error("no attempt");
            const { stream, events, expected } = first;
            const { revision } = await untilAvailable(() => store.append(stream, events, expected));
            const there = (await collect(reader.readStream(stream))).filter(({ id }) => id === events[1]?.id);
            expect(there.map((each) => each.revision)).toEqual([revision]);
          });
          expect((await Promise.all(repeating)).length).toBeGreaterThan(50);
        });

        test.for(SCHEMES)("is found again by the store that lost it (%s://)", async (scheme) => {
          const events = [event()];
          const { revision } = await untilAvailable(() => other(scheme).append("modelLedger-A", events, 0n));
          expect(revision).toBe(1n);
          expect(await collect(other(scheme).readAll())).toHaveLength(2);
        });
      });
    });
  },
  { keeps: "on disk" },
);
