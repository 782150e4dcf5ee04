import { systemRuntime } from "../../src/runtime.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { collect, event, range } from "./events.ts";

/** A process that appends, reads and subscribes, and comes to its end: `eventstoredb-child.ts <task> <url> <stream>`. */
const [task, url = "", stream = ""] = process.argv.slice(2);
const store = await eventStoreDbEventStore(url, systemRuntime());
const following = await store.subscribe({ after: "start", stream });
const appending = range(100).map((index) =>
  store.append(stream, [event()], index === 0 ? "no_stream" : BigInt(index - 1)),
);
let seen = 0;
for await (const _ of following) {
  seen += 1;
  if (seen === appending.length) break;
}
const written = (await Promise.all(appending)).length;
await store.keep("child", "1");
process.stdout.write(`${written} written, ${(await collect(store.readStream(stream))).length && seen} seen\n`);
if (task === "closes its store") await store.close();
