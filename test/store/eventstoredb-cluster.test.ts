import { expect, onTestFinished, test } from "vitest";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore, ExpectedRevision, StoredEvent } from "../../src/store/event-store.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { onCluster } from "./cluster.ts";
import { collect, event, listen, newEvents, range } from "./events.ts";
import { freshCategory } from "./server.ts";

const DEADLINE_MS = 120_000;

onCluster((cluster) => {
  async function open(hosts: string, category: string, { scheme = "esdb", options = "" } = {}): Promise<EventStore> {
    const url = `${scheme}://${hosts}?tls=false&defaultDeadline=${DEADLINE_MS}${options}`;
    const store = await eventStoreDbEventStore(url, systemRuntime(), { category });
    onTestFinished(() => store.close());
    return store;
  }

  test("whichever node the connection string names, the leader is found, for appends, reads and subscriptions", async () => {
    const category = freshCategory();
    for (const { port } of cluster().nodes) {
      for (const scheme of ["esdb", "esdb+discover"]) {
        const store = await open(`127.0.0.1:${port}`, category, { scheme });
        const stream = `modelLedger-${scheme}${port}`;
        const live = await listen(store, { after: "start", stream });
        const appending = range(40).map((index) =>
          store.append(stream, [event()], index === 0 ? "no_stream" : BigInt(index - 1)),
        );
        expect((await Promise.all(appending)).at(-1)?.revision).toBe(39n);
        expect(await collect(store.readStream(stream))).toHaveLength(40);
        expect(await live.take(40)).toHaveLength(40);
        await store.keep(stream, "1");
        expect((await store.kept(stream))?.value).toBe("1");
      }
    }
  });

  test(
    "the leader killed in the middle of many appends: what was acknowledged is there once, and subscriptions go on",
    async () => {
      const category = freshCategory();
      const { hosts } = cluster();
      const store = await open(hosts, category);
      const onFollower = await open(hosts, category, { scheme: "kurrentdb", options: "&nodePreference=follower" });
      const following = [await listen(store, { after: "start" }), await listen(onFollower, { after: "start" })];
      const leader = await cluster().leader();

      let acknowledged = 0;
      let opening: Promise<EventStore> | undefined;
      const writers = range(20).map(async (writer) => {
        const stream = `modelLedger-${writer}`;
        const written: string[] = [];
        let expected: ExpectedRevision = "no_stream";
        for (const _ of range(50)) {
          const events = newEvents(2);
          expected = (await store.append(stream, events, expected)).revision;
          written.push(...events.map(({ id }) => id));
          acknowledged += 1;
          if (acknowledged === 300) {
            leader.kill("SIGKILL");
            opening = open(hosts, category);
          }
        }
        return { stream, written };
      });
      const written = await Promise.all(writers);

      const log = await collect(store.readAll());
      expect(log).toHaveLength(2_000);
      for (const { stream, written: ids } of written) {
        const history = log.filter((each) => each.stream === stream);
        expect(history.map(({ id }) => id)).toEqual(ids);
        expect(history.map(({ revision }) => Number(revision))).toEqual(range(100));
      }
      const expected = log.map(({ id }) => id);
      for (const live of following) {
        const seen: readonly StoredEvent[] = await live.take(2_000);
        expect(seen.map(({ id }) => id)).toEqual(expected);
      }
      expect((await cluster().leader()).port).not.toBe(leader.port);
      const openedMeanwhile = await opening;
      expect(openedMeanwhile && (await collect(openedMeanwhile.readAll()))).toHaveLength(2_000);

      await leader.restart();
      const again = await open(`127.0.0.1:${leader.port}`, category);
      expect(await collect(again.readAll())).toHaveLength(2_000);
      expect((await again.append("modelLedger-0", [event()], 99n)).revision).toBe(100n);
    },
    3 * DEADLINE_MS,
  );

  test(
    "a leader that steps down is followed to its successor, without a call that fails",
    async () => {
      const store = await open(cluster().hosts, freshCategory());
      const live = await listen(store, { after: "start" });
      let isWriting = true;
      const writing = (async () => {
        let expected: ExpectedRevision = "no_stream";
        for (; isWriting; ) expected = (await store.append("modelLedger-A", newEvents(2), expected)).revision;
        return expected;
      })();
      await live.take(20);
      const leader = await cluster().leader();
      expect(await resign(leader.port)).toBe(200);
      while ((await cluster().leader()).port === leader.port);
      await live.take(100);
      isWriting = false;
      const last = await writing;
      expect(await collect(store.readStream("modelLedger-A"))).toHaveLength(Number(last) + 1);
    },
    3 * DEADLINE_MS,
  );
});

async function resign(port: number): Promise<number> {
  const lower = await fetch(`http://127.0.0.1:${port}/admin/node/priority/-1`, { method: "POST" });
  if (!lower.ok) return lower.status;
  return (await fetch(`http://127.0.0.1:${port}/admin/node/resign`, { method: "POST" })).status;
}
