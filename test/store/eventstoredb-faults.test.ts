import { createServer, type Socket } from "node:net";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { LedgerError } from "../../src/errors.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore, NewEvent } from "../../src/store/event-store.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { collect, event, listen, newEvents, range } from "./events.ts";
import { type Relay, startRelay } from "./relay.ts";
import { freshCategory, onOwnEventStoreDb } from "./server.ts";
import { freePort } from "./server-process.ts";

/** The network fails, the server does not. */
onOwnEventStoreDb((server) => {
  let category: string;
  /** Through the network that fails, and past it. */
  let relay: Relay;
  let store: EventStore;
  let direct: EventStore;

  async function open(port: number, options = "defaultDeadline=8000"): Promise<EventStore> {
    const url = `esdb://127.0.0.1:${port}?tls=false&${options}`;
    const opened = await eventStoreDbEventStore(url, systemRuntime(), { category });
    onTestFinished(() => opened.close());
    return opened;
  }

  const read = (stream: string) => collect(direct.readStream(stream));

  beforeEach(async () => {
    category = freshCategory();
    relay = await startRelay(server().port);
    store = await open(relay.port);
    direct = await open(server().port);
  });

  /** Waits until somebody has written so many events to the stream. */
  async function untilWritten(stream: string, count: number): Promise<void> {
    await (await listen(direct, { after: "start", stream })).take(count);
  }

  describe("an append whose answer is lost", () => {
    /** Sends an append, loses its answer, and lets somebody act before the connection breaks. */
    async function losingTheAnswer(
      stream: string,
      events: readonly NewEvent[],
      meanwhile: () => Promise<unknown> = async () => undefined,
    ): Promise<unknown> {
      relay.hold("answers");
      const appending = store.append(stream, events, "no_stream").catch((error: unknown) => error);
      await untilWritten(stream, events.length);
      await meanwhile();
      relay.cut();
      relay.release();
      return appending;
    }

    test("was written: it is read back, and answers as if nothing had been", async () => {
      const events = newEvents(3);
      const answer = await losingTheAnswer("modelLedger-A", events);
      const written = await read("modelLedger-A");
      expect(written.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
      expect(answer).toEqual({ revision: 2n, position: written[2]?.position });
    });

    test("was written, and others followed: it answers with its own revision and position", async () => {
      const answer = await losingTheAnswer("modelLedger-A", newEvents(2), () =>
        direct.append("modelLedger-A", newEvents(4), 1n),
      );
      const written = await read("modelLedger-A");
      expect(written).toHaveLength(6);
      expect(answer).toEqual({ revision: 1n, position: written[1]?.position });
    });

    test("was not written: it is sent again", async () => {
      relay.hold("requests");
      const events = newEvents(2);
      const appending = store.append("modelLedger-A", events, "no_stream");
      relay.cut();
      relay.release();
      expect((await appending).revision).toBe(1n);
      expect((await read("modelLedger-A")).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    });

    test("was not written, and somebody else was quicker: CONFLICT", async () => {
      relay.hold("requests");
      const appending = store.append("modelLedger-A", newEvents(2), "no_stream").catch((error: unknown) => error);
      await direct.append("modelLedger-A", [event()], "no_stream");
      relay.cut();
      relay.release();
      expect(await appending).toMatchObject({ code: "CONFLICT", details: { actual: "0" } });
      expect(await read("modelLedger-A")).toHaveLength(1);
    });

    test("is repeated by another process: it gets the first result", async () => {
      const events = newEvents(3);
      const first = await direct.append("modelLedger-A", events, "no_stream");
      await direct.append("modelLedger-A", newEvents(2), 2n);
      expect(await store.append("modelLedger-A", events, "no_stream")).toEqual(first);
      await expect(store.append("modelLedger-A", [event(), ...events], "no_stream")).rejects.toMatchObject({
        code: "CONFLICT",
      });
      expect(await read("modelLedger-A")).toHaveLength(5);
    });
  });

  test("a connection that is cut again and again under 16 writers loses nothing and doubles nothing", async () => {
    let isWriting = true;
    // How much gets through between two cuts depends on the machine: they write until there were enough of them.
    const enough = (index: number) => index >= 25 && (relay.accepted() > 10 || index >= 500);
    const writers = range(16).map(async (writer) => {
      const stream = `modelLedger-${writer}`;
      let index = 0;
      for (; !enough(index); index++) {
        const { revision } = await store.append(
          stream,
          newEvents(2),
          index === 0 ? "no_stream" : BigInt(2 * index - 1),
        );
        expect(revision).toBe(BigInt(2 * index + 1));
      }
      return index;
    });
    const cutting = (async () => {
      const written = await listen(direct, { after: "start" });
      while (isWriting) {
        await written.take(40);
        relay.cut();
      }
    })();
    const appends = await Promise.all(writers);
    isWriting = false;
    await direct.append("modelLedger-last", newEvents(40), "no_stream");
    await cutting;
    expect(relay.accepted()).toBeGreaterThan(10);
    for (const [writer, count] of appends.entries()) {
      const revisions = (await read(`modelLedger-${writer}`)).map(({ revision }) => Number(revision));
      expect(revisions).toEqual(range(2 * count));
    }
  });

  test("a subscription over a connection that is cut again and again has no gap and no repeat", async () => {
    const ofAll = await listen(store, { after: "end" });
    const ofOne = await listen(store, { after: "end", stream: "modelLedger-A" });
    const seen: string[] = [];
    const seenOfOne: string[] = [];
    for (const index of range(15)) {
      await direct.append("modelLedger-A", newEvents(5), index === 0 ? "no_stream" : BigInt(5 * index - 1));
      await direct.append("modelLedger-B", newEvents(3), index === 0 ? "no_stream" : BigInt(3 * index - 1));
      seen.push(...(await ofAll.take(index % 3 === 0 ? 3 : 8)).map(({ id }) => id)); // sometimes cut in the middle
      seenOfOne.push(...(await ofOne.take(5)).map(({ id }) => id));
      relay.cut();
    }
    const log = await collect(direct.readAll());
    expect(seen).toEqual(log.slice(0, seen.length).map(({ id }) => id));
    const rest = await ofAll.take(log.length - seen.length);
    expect(rest.map(({ id }) => id)).toEqual(log.slice(seen.length).map(({ id }) => id));
    expect(seenOfOne).toEqual(log.filter(({ stream }) => stream === "modelLedger-A").map(({ id }) => id));
  });

  test("a subscription whose connection goes silent notices by keep-alive, as often as the connection string says", async () => {
    const attentive = await open(relay.port, "keepAliveInterval=1000&keepAliveTimeout=1000");
    const live = await listen(attentive, { after: "start", stream: "modelLedger-A" });
    await direct.append("modelLedger-A", [event()], "no_stream");
    await live.take(1);
    relay.silence();
    const { position } = await direct.append("modelLedger-A", [event()], 0n);
    const start = performance.now();
    expect((await live.take(1))[0]?.position).toBe(position);
    expect(performance.now() - start).toBeLessThan(15_000); // 20 s by default
  });

  test("a subscription that nobody answers says so when the deadline is over, and when it is answered", async () => {
    const waiting = await open(relay.port, "defaultDeadline=1000");
    const lost = Promise.withResolvers<LedgerError>();
    const heard = Promise.withResolvers<void>();
    const told = { onLost: lost.resolve, onHeard: heard.resolve };
    const live = await listen(waiting, { after: "start", stream: "modelLedger-A", ...told });
    relay.hold("answers");
    const next = live.take(1);
    expect(await lost.promise).toMatchObject({ code: "STORE_UNAVAILABLE" });
    relay.release();
    await heard.promise;
    await direct.append("modelLedger-A", [event()], "no_stream");
    expect(await next).toHaveLength(1);
  });

  test("reads over a connection that is cut in their middle go on where they were", async () => {
    for (const index of range(8)) {
      await direct.append("modelLedger-A", newEvents(500), index === 0 ? "no_stream" : BigInt(500 * index - 1));
    }
    for (const [name, reading] of [
      ["a stream", store.readStream("modelLedger-A")],
      ["the log", store.readAll()],
    ] as const) {
      const revisions: number[] = [];
      for await (const { revision } of reading) {
        if (revisions.length % 700 === 0) relay.cut();
        revisions.push(Number(revision));
      }
      expect(revisions, name).toEqual(range(4000));
    }
  });

  test("a slow network makes everything slow, and nothing else", async () => {
    relay.delay(150);
    const live = await listen(store, { after: "end" });
    const events = newEvents(20);
    await Promise.all(
      events.map((each, index) => store.append("modelLedger-A", [each], index === 0 ? "no_stream" : BigInt(index - 1))),
    );
    expect((await live.take(20)).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    expect(await collect(store.readStream("modelLedger-A"))).toHaveLength(20);
  });

  describe("a network that swallows everything (deadline 1 s)", () => {
    let impatient: EventStore;
    beforeEach(async () => {
      impatient = await open(relay.port, "defaultDeadline=1000");
      await impatient.append("modelLedger-A", [event()], "no_stream");
      relay.hold("requests");
      relay.hold("answers");
    });

    test.for([
      ["an append", (of: EventStore) => of.append("modelLedger-A", [event()], 0n)],
      ["a read", (of: EventStore) => collect(of.readStream("modelLedger-A"))],
      ["a read of the log", (of: EventStore) => collect(of.readAll())],
      ["a subscription", (of: EventStore) => of.subscribe({ after: "end" })],
      ["a value to keep", (of: EventStore) => of.keep("a", "1")],
      ["a kept value", (of: EventStore) => of.kept("a")],
    ] as const)("%s is STORE_UNAVAILABLE in bounded time", async ([, act]) => {
      const start = performance.now();
      await expect(act(impatient)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      expect(performance.now() - start).toBeLessThan(15_000);
    });

    test("a connection that was swallowed is not used again: once the network is back, so is the store", async () => {
      const events = [event()];
      await expect(impatient.append("modelLedger-A", events, 0n)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      relay.release();
      expect((await impatient.append("modelLedger-A", events, 0n)).revision).toBe(1n);
      expect(await read("modelLedger-A")).toHaveLength(2);
    });

    test("close() returns, and what was under way is answered", async () => {
      const outcome = impatient.append("modelLedger-A", [event()], 0n).catch((error: unknown) => error);
      const next = (await listen(impatient, { after: "start" })).iterator.next();
      const start = performance.now();
      await impatient.close();
      expect(performance.now() - start).toBeLessThan(10_000);
      expect(await outcome).toMatchObject({ code: "STORE_UNAVAILABLE" });
      expect((await next).done).toBe(true);
    });
  });

  describe("a server that cannot be reached", () => {
    const opening = (url: string) => eventStoreDbEventStore(url, systemRuntime(), { category });

    test.for(["esdb", "esdb+discover", "kurrentdb", "kurrentdb+discover"])(
      "is STORE_UNAVAILABLE at once, with its address and without the password (%s://)",
      async (scheme) => {
        const port = await freePort();
        const start = performance.now();
        const error: unknown = await opening(`${scheme}://ann:s3cr3t-pass@127.0.0.1:${port}?tls=false`).catch(
          (refusal: unknown) => refusal,
        );
        expect(performance.now() - start).toBeLessThan(10_000);
        expect(error).toMatchObject({ code: "STORE_UNAVAILABLE" });
        expect(String(error)).toContain(`127.0.0.1:${port}`);
        expect(everythingIn(error)).not.toContain("s3cr3t-pass");
      },
    );

    test.for(["esdb", "esdb+discover"])("is bounded when it accepts and says nothing (%s://)", async (scheme) => {
      const port = await listening(() => undefined);
      const start = performance.now();
      await expect(opening(`${scheme}://127.0.0.1:${port}?tls=false&defaultDeadline=1000`)).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
      });
      expect(performance.now() - start).toBeLessThan(10_000);
    });

    test("is STORE_UNAVAILABLE when it speaks another language", async () => {
      const port = await listening((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
      await expect(opening(`esdb://127.0.0.1:${port}?tls=false&defaultDeadline=1000`)).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
      });
    });
  });
});

/** The port of a server that does this with whoever connects. */
async function listening(welcome: (socket: Socket) => unknown): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    welcome(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** The error and all its causes, as text. */
function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.stack} ${JSON.stringify(error)} ${everythingIn(error.cause)}`;
}
