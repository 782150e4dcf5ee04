import { MessageChannel, Worker } from "node:worker_threads";
import { LedgerError, type LedgerErrorCode } from "../errors.ts";
import { type Answer, STOP, type ThreadData } from "./sqlite-thread-loop.ts";
import type { Failure } from "./sqlite-wire.ts";

/** Operations that another thread does, in the order of the calls. It starts at the first one. */
export interface Thread<Operations extends Record<keyof Operations, (...args: never[]) => unknown>> {
  call<Name extends keyof Operations & string>(
    name: Name,
    ...args: Parameters<Operations[Name]>
  ): Promise<ReturnType<Operations[Name]>>;
  /** Keeps the process alive until what it returns is called; calls under way do so by themselves. */
  hold(): () => void;
  /** Finishes the calls made before. */
  stop(): Promise<void>;
}

interface Running {
  readonly worker: Worker;
  readonly post: (message: unknown) => void;
  readonly keepAlive: (isWanted: boolean) => void;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: LedgerError) => void;
}

/** Beside this file lies the other, as source or compiled. */
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";

/** A thread takes over the flags of the process; under the one of `node -e` it would not load a file. */
const FLAGS = process.execArgv.some((flag) => flag.startsWith("--input-type")) ? { execArgv: [] } : {};

export const fromFailure = ({ code, message, details, cause }: Failure): LedgerError =>
  new LedgerError(code as LedgerErrorCode, message, details, { cause });

export function sqliteThread<Operations extends Record<keyof Operations, (...args: never[]) => unknown>>(
  file: "sqlite-reader" | "sqlite-writer",
  settings: Pick<ThreadData, "path" | "lockTimeoutMs">,
): Thread<Operations> {
  const waiting: Waiting[] = [];
  let running: Running | undefined;
  let holders = 0;

  function start(): Running {
    const { port1: port, port2 } = new MessageChannel();
    const doorbell = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(new URL(`./${file}.${EXTENSION}`, import.meta.url), {
      name: `model-ledger ${file}`,
      workerData: { ...settings, port: port2, doorbell } satisfies ThreadData,
      transferList: [port2],
      ...FLAGS,
    });
    const started: Running = {
      worker,
      post(message) {
        port.postMessage(message);
        Atomics.add(doorbell, 0, 1);
        Atomics.notify(doorbell, 0);
      },
      keepAlive(isWanted) {
        if (isWanted) {
          worker.ref();
          port.ref();
        } else {
          worker.unref();
          port.unref();
        }
      },
    };
    let cause: unknown;
    port.on("message", settle);
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", () => {
      port.close();
      if (running === started) running = undefined;
      for (const { reject } of waiting.splice(0)) reject(died(cause));
    });
    return started;
  }

  function settle(answer: Answer): void {
    const first = waiting.shift();
    if (waiting.length === 0 && holders === 0) running?.keepAlive(false);
    if ("failure" in answer) first?.reject(fromFailure(answer.failure));
    else first?.resolve(answer.value as never);
  }

  const died = (cause: unknown): LedgerError =>
    new LedgerError(
      "STORE_UNAVAILABLE",
      `the thread of the ledger "${settings.path}" ended; it is not known whether the last call was done`,
      { path: settings.path },
      { cause },
    );

  return {
    call(name, ...args) {
      return new Promise((resolve, reject) => {
        running ??= start();
        waiting.push({ resolve, reject });
        if (waiting.length === 1) running.keepAlive(true);
        running.post([name, ...args]);
      });
    },
    hold() {
      holders += 1;
      running ??= start();
      running.keepAlive(true);
      return () => {
        holders -= 1;
        if (holders === 0 && waiting.length === 0) running?.keepAlive(false);
      };
    },
    stop() {
      const stopping = running;
      if (!stopping) return Promise.resolve();
      return new Promise((resolve) => {
        holders += 1;
        stopping.worker.on("exit", () => resolve());
        stopping.keepAlive(true);
        stopping.post(STOP);
      });
    },
  };
}
