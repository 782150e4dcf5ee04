import { LedgerError } from "../errors.ts";
import { type Answer, fromFailure, type ThreadSettings } from "./thread-loop.ts";
import { dismiss, type Employer, hire, type WorkerThread } from "./worker.ts";

/** Operations that another thread does, in the order of the calls. It starts at the first one. */
export interface Thread<Operations extends Record<keyof Operations, (...args: never[]) => unknown>> {
  call<Name extends keyof Operations & string>(
    name: Name,
    ...args: Parameters<Operations[Name]>
  ): Promise<ReturnType<Operations[Name]>>;
  /** Starts it now, if no call has yet. */
  start(): void;
  /** Keeps the process alive until what it returns is called; calls under way do so by themselves. */
  hold(): () => void;
  /** Finishes the calls made before, then closes. */
  stop(): Promise<void>;
}

/** Every thread can let go of its file. */
interface Closing {
  readonly close: () => void;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: LedgerError) => void;
}

/** `file`: the module that the thread runs, which calls `serve`. */
export function sqliteThread<Operations extends Closing & Record<keyof Operations, (...args: never[]) => unknown>>(
  file: URL,
  settings: ThreadSettings,
): Thread<Operations> {
  const waiting: Waiting[] = [];
  let worker: WorkerThread | undefined;
  let holders = 0;

  const employer: Employer = {
    onAnswer(answer: Answer) {
      const first = waiting.shift();
      if (waiting.length === 0 && holders === 0) worker?.keepAlive(false);
      if ("failure" in answer) first?.reject(fromFailure(answer.failure));
      else first?.resolve(answer.value as never);
    },
    onDeath(cause) {
      worker = undefined;
      const message = `the thread of the ledger "${settings.path}" ended; it is not known whether the last call was done`;
      for (const { reject } of waiting.splice(0)) {
        reject(new LedgerError("STORE_UNAVAILABLE", message, { path: settings.path }, { cause }));
      }
    },
  };

  function started(): WorkerThread {
    if (!worker) {
      worker = hire(file, employer);
      worker.post(settings);
    }
    return worker;
  }

  function ask(name: string, args: readonly never[]): Promise<never> {
    return new Promise((resolve, reject) => {
      const running = started();
      waiting.push({ resolve, reject });
      if (waiting.length === 1) running.keepAlive(true);
      running.post([name, ...args]);
    });
  }

  return {
    call: (name, ...args) => ask(name, args),
    start() {
      if (!worker) started().keepAlive(false);
    },
    hold() {
      holders += 1;
      started().keepAlive(true);
      return () => {
        holders -= 1;
        if (holders === 0 && waiting.length === 0) worker?.keepAlive(false);
      };
    },
    async stop() {
      if (!worker) return;
      try {
        await ask("close", []);
      } finally {
        if (worker) dismiss(file, worker);
        worker = undefined;
      }
    },
  };
}
