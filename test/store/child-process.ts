import { type ChildProcess, type ForkOptions, fork } from "node:child_process";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export const CHILD = join(import.meta.dirname, "child.ts");

export interface Child {
  readonly process: ChildProcess;
  /** What it has told so far. */
  readonly messages: readonly unknown[];
  /** The message with this index, as soon as it is there. */
  message(index: number): Promise<unknown>;
  /** Its exit code or the signal that ended it. */
  readonly exit: Promise<number | string | null>;
}

/** Starts `child.ts` in a process that ends with the test at the latest. */
export function startChild(task: string, path: string, options: ForkOptions = {}): Child {
  const child = fork(CHILD, [task, path], { execArgv: [], ...options });
  const messages: unknown[] = [];
  const listeners = new Set<() => void>();
  let hasEnded = false;
  const wakeAll = (): void => {
    for (const listener of [...listeners]) listener();
  };
  child.on("message", (message) => {
    messages.push(message);
    wakeAll();
  });
  const exit = new Promise<number | string | null>((resolve) => {
    child.on("exit", (code, signal) => {
      hasEnded = true;
      wakeAll();
      resolve(code ?? signal);
    });
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  return {
    process: child,
    messages,
    exit,
    message(index) {
      return new Promise((resolve, reject) => {
        function settle(): void {
          if (messages.length <= index && !hasEnded) return;
          listeners.delete(settle);
          if (messages.length > index) resolve(messages[index]);
          else reject(new Error(`the child ended (${child.exitCode ?? child.signalCode}) before message ${index}`));
        }
        listeners.add(settle);
        settle();
      });
    },
  };
}
