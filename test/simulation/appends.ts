import type { EventStore } from "../../src/store/event-store.ts";
import type { Connection } from "./connection.ts";

/** Appends over a connection, with all that can become of one. */
export function appends({
  server,
  machine,
  scheduler,
  deadlineMs,
  strikes,
  ask,
  fail,
}: Connection): EventStore["append"] {
  const { random } = machine;
  return function append(...call: Parameters<EventStore["append"]>): ReturnType<EventStore["append"]> {
    const isHidden = strikes("append hidden for a while");
    const hiddenMs = random.chance(0.5) ? random.logUniform(1, 1_000) : random.logUniform(deadlineMs, 6 * deadlineMs);
    const write = async () => {
      try {
        return await server.append(...call, isHidden ? scheduler.sleep(hiddenMs) : undefined);
      } catch (error) {
        // The adapter tells of a lost race once the winner can be read, or when its patience is over.
        await Promise.race([server.allShown(), scheduler.sleep(0.9 * deadlineMs)]);
        throw error;
      }
    };
    if (strikes("append not written")) return fail("append", "nothing was written");
    if (strikes("append written, answer lost")) return ask("append", write, "answer lost");
    if (strikes("append answered at the deadline")) {
      return ask("append", random.chance(0.5) ? write : () => new Promise(() => undefined), "never answered");
    }
    if (strikes("append written after its error")) {
      const lateMs = deadlineMs + random.logUniform(10, 60_000);
      scheduler.after(lateMs, () =>
        server.arrive({ isGivenUp: () => false, carryOut: () => void write().catch(() => undefined) }),
      );
      return ask("append", () => new Promise(() => undefined), "never answered");
    }
    if (strikes("append sent twice")) {
      void ask("append", write, "never answered").catch(() => undefined);
      return machine.sleep(random.logUniform(1, 100)).then(() => ask("append", write));
    }
    return ask("append", write);
  };
}
