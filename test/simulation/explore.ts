import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { addFigures, type Figures, noFigures } from "./figures.ts";

/** Seeds from `first` on: so many, or for so long. */
export interface Exploration {
  readonly first: number;
  readonly seeds?: number;
  readonly seconds?: number;
  /** Ends at the first seed that fails. */
  readonly isOverAtFailure?: boolean;
}

const WORKER = fileURLToPath(new URL("explore-process.ts", import.meta.url));

/** Explores in several processes, each taking every n-th seed. */
export async function explore(exploration: Exploration, workers = 2): Promise<Figures> {
  const sum = noFigures();
  const children: ChildProcess[] = [];
  await Promise.all(
    Array.from({ length: workers }, (_, index) => {
      const child = fork(WORKER, [JSON.stringify(exploration), String(index), String(workers)]);
      children.push(child);
      child.on("message", (figures: Figures) => {
        addFigures(sum, figures);
        if (!exploration.isOverAtFailure || figures.failed.length === 0) return;
        for (const other of children) other.kill();
      });
      return new Promise<void>((resolve, reject) => {
        child.on("error", reject);
        child.on("exit", (code, signal) => {
          if (code === 0 || signal === "SIGTERM") resolve();
          else reject(new Error(`a process of the simulation ended with ${code ?? signal}`));
        });
      });
    }),
  );
  return sum;
}
