import { createServer, connect as dial, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A TCP relay in front of a server on loopback: the network, and what networks do. */
export interface Relay {
  readonly port: number;
  /** Connections that came in since it began. */
  accepted(): number;
  /** Resolves when so many bytes of requests have gone through in all. */
  passed(bytes: number): Promise<void>;
  /** Breaks every connection. */
  cut(): void;
  /** The connections that there are now say nothing more, and do not end. */
  silence(): void;
  /** Lets nothing through in that direction until released, on new connections neither. What was sent waits. */
  hold(what: "requests" | "answers"): void;
  release(): void;
  /** From now on every packet arrives so much later, in order. */
  delay(ms: number): void;
  close(): Promise<void>;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** Ends with the test. */
export async function startRelay(serverPort: number): Promise<Relay> {
  const pairs = new Set<Pair>();
  const held = new Set<"requests" | "answers">();
  let accepted = 0;
  let delayMs = 0;
  let passed = 0;
  const onPassed = new Set<() => void>();

  function relay(from: Socket, to: Socket, count: (bytes: number) => void): void {
    from.on("data", (bytes) => {
      count(bytes.length);
      if (delayMs > 0) setTimeout(() => to.write(bytes), delayMs);
      else to.write(bytes);
    });
    from.on("end", () => to.end());
  }

  function applyHolds({ near, far }: Pair): void {
    if (held.has("requests")) near.pause();
    else near.resume();
    if (held.has("answers")) far.pause();
    else far.resume();
  }

  function drop(pair: Pair): void {
    pairs.delete(pair);
    pair.near.destroy();
    pair.far.destroy();
  }

  const server = createServer({ noDelay: true }, (near) => {
    accepted += 1;
    const pair = { near, far: dial({ port: serverPort, host: "127.0.0.1", noDelay: true }) };
    pairs.add(pair);
    relay(near, pair.far, (bytes) => {
      passed += bytes;
      for (const check of onPassed) check();
    });
    relay(pair.far, near, () => undefined);
    applyHolds(pair);
    for (const end of [near, pair.far]) {
      end.on("error", () => drop(pair));
      end.on("close", () => drop(pair));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("the relay does not listen");

  const theRelay: Relay = {
    port: address.port,
    accepted: () => accepted,
    passed: (bytes) =>
      new Promise((resolve) => {
        function check(): void {
          if (passed < bytes) return;
          onPassed.delete(check);
          resolve();
        }
        onPassed.add(check);
        check();
      }),
    cut() {
      for (const pair of [...pairs]) drop(pair);
    },
    silence() {
      for (const { near, far } of pairs) {
        near.pause();
        far.pause();
      }
    },
    hold(what) {
      held.add(what);
      for (const pair of pairs) applyHolds(pair);
    },
    release() {
      held.clear();
      for (const pair of pairs) applyHolds(pair);
    },
    delay(ms) {
      delayMs = ms;
    },
    close() {
      for (const pair of [...pairs]) drop(pair);
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
  onTestFinished(() => theRelay.close());
  return theRelay;
}
