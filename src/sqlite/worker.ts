import { basename } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import type { Answer, Request, ThreadChannel } from "./thread-loop.ts";

/** Who a worker works for. */
export interface Employer {
  onAnswer(answer: Answer): void;
  /** It is gone: whatever was asked of it is not answered. */
  onDeath(cause: unknown): void;
}

export interface WorkerThread {
  post(request: Request): void;
  /** Whether it keeps the process alive. A new one does. */
  keepAlive(isWanted: boolean): void;
}

interface Colleague extends WorkerThread {
  employer: Employer | undefined;
}

/** The module `name` beside the one that `here` is the URL of, as source or compiled. */
export const beside = (here: string, name: string): URL =>
  new URL(`./${name}.${here.endsWith(".ts") ? "ts" : "js"}`, here);

/** A thread takes over the flags of the process; under the one of `node -e` it would not load a file. */
const FLAGS = process.execArgv.some((flag) => flag.startsWith("--input-type")) ? { execArgv: [] } : {};

/**
 * To start a thread takes as long as to start Node; so one of each kind waits a while for the next store. Only a
 * process that opens one store after another, a test run say, meets this.
 */
const MAX_IDLE_MS = 2000;
/** A third of it is the space for new objects. By itself V8 lets that of each thread grow to 64 MiB, twice. */
const YOUNG_MIB = 12;
const idle = new Map<string, Colleague>();

/** One that waits for work, or a new one. */
export function hire({ href: file }: URL, employer: Employer): WorkerThread {
  const found = idle.get(file);
  idle.delete(file);
  const worker = found ?? start(file);
  worker.employer = employer;
  return worker;
}

/** It has nothing left to do for its employer. */
export function dismiss({ href: file }: URL, worker: WorkerThread): void {
  const colleague = worker as Colleague;
  colleague.employer = undefined;
  colleague.keepAlive(false);
  if (idle.has(file)) {
    colleague.post(null);
    return;
  }
  idle.set(file, colleague);
  // no clock of a simulation: nothing that a ledger does depends on it
  setTimeout(() => {
    if (idle.get(file) !== colleague) return;
    idle.delete(file);
    colleague.post(null);
  }, MAX_IDLE_MS).unref();
}

function start(file: string): Colleague {
  const { port1: port, port2 } = new MessageChannel();
  const doorbell = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(file), {
    name: `model-ledger sqlite ${basename(file)}`,
    workerData: { port: port2, doorbell } satisfies ThreadChannel,
    transferList: [port2],
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    ...FLAGS,
  });
  const colleague: Colleague = {
    employer: undefined,
    post(request) {
      port.postMessage(request);
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
  port.on("message", (answer: Answer) => colleague.employer?.onAnswer(answer));
  worker.on("error", (error) => {
    cause = error;
  });
  worker.on("exit", () => {
    port.close();
    if (idle.get(file) === colleague) idle.delete(file);
    colleague.employer?.onDeath(cause);
  });
  return colleague;
}
