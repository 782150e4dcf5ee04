import { LedgerError } from "../../src/errors.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { oneByOne } from "../../src/store/one-by-one.ts";
import { appends } from "./appends.ts";
import { connection, type Surroundings } from "./connection.ts";
import { feeds } from "./feeds.ts";
import { reads } from "./reads.ts";

/** The port as one process sees it: with a network or a disk in between that can do all that {@link FAULTS} lists. */
export function simulatedStore(surroundings: Surroundings): EventStore {
  const line = connection(surroundings);
  const { server, machine, strikes, ask, fail } = line;
  const { memory, kind } = server;
  const { random } = machine;
  const ending = new AbortController();

  function checkOpen(): void {
    if (ending.signal.aborted) throw new LedgerError("CLOSED", "the simulated store is closed");
  }

  const append = appends(line);
  const { readStream, readAll } = reads(line, checkOpen);

  return {
    address: `simulated ${kind}`,
    async append(...call) {
      checkOpen();
      return append(...call);
    },
    async appendInOrder(calls) {
      checkOpen();
      await oneByOne(append, calls);
    },
    readStream,
    readAll,
    subscribe: feeds(line, ending.signal, checkOpen),
    checkPosition: memory.checkPosition,
    changeCount() {
      checkOpen();
      return kind === "eventstoredb" || strikes("change count unknown") ? Number.NaN : memory.changeCount();
    },
    async findEvent(...call) {
      checkOpen();
      return kind === "eventstoredb" ? undefined : ask("find an event", () => memory.findEvent(...call));
    },
    async keep(...call) {
      checkOpen();
      const work = () => server.keep(...call);
      if (!strikes("keep failed")) return ask("keep", work);
      return random.chance(0.5) ? ask("keep", work, "answer lost") : fail("keep", "nothing was written");
    },
    async kept(name) {
      checkOpen();
      return strikes("read failed")
        ? fail("read what is kept", "the connection broke")
        : ask("read what is kept", () => memory.kept(name));
    },
    async close() {
      ending.abort();
    },
  };
}
