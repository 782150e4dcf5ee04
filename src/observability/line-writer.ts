import { writeSync } from "node:fs";

const STDERR = 2;
/** Lines are written once so much has come together, or after the longest wait. */
const BATCH_LENGTH = 16_000;
const LONGEST_WAIT_MS = 100;
/** What waits for a full disk or a reader that does not read, at most; lines that come then are left out. */
const MAX_WAITING_BYTES = 4 * 1_048_576;
/** A slow reader has so long to take the last lines when the process ends. */
const LONGEST_GOODBYE_MS = 500;
const PAUSE_MS = 10;

/**
 * Writes lines to standard error, many at once where many come, and what still waits when the process ends. It never
 * holds up the process, whatever becomes of its lines: a pipe that nobody reads and a full disk are tried again while
 * new lines wait, up to a bound.
 */
export class LineWriter {
  #lines: string[] = [];
  #length = 0;
  /** What was handed on and could not be written yet. */
  #rest = Buffer.alloc(0);
  #lost = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #onLoss: (lines: number) => void;

  /** `onLoss` is told how many lines are missing, once lines can be written again. */
  constructor(onLoss: (lines: number) => void) {
    this.#onLoss = onLoss;
    // As a stream of Node's, a pipe says that it is full; else we would be held until somebody reads it.
    process.stderr.on("error", () => undefined);
    process.once("exit", () => this.#sayGoodbye());
  }

  write(line: string): void {
    if (this.#rest.length + this.#length > MAX_WAITING_BYTES) {
      this.#lost += 1;
      return;
    }
    this.#lines.push(line);
    this.#length += line.length;
    if (this.#rest.length === 0 && this.#length >= BATCH_LENGTH) this.#handOn();
    else this.#handOnSoon();
  }

  #handOnSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#handOn();
      if (this.#rest.length > 0) this.#handOnSoon();
    }, LONGEST_WAIT_MS).unref();
  }

  /** Writes what it can of what waits. */
  #handOn(): void {
    if (this.#length > 0) {
      this.#rest = Buffer.concat([this.#rest, Buffer.from(this.#lines.join(""))]);
      [this.#lines, this.#length] = [[], 0];
    }
    try {
      while (this.#rest.length > 0) this.#rest = this.#rest.subarray(writeSync(STDERR, this.#rest));
    } catch (error) {
      // Whoever read it is gone. All else passes: it is tried again.
      if ((error as NodeJS.ErrnoException).code === "EPIPE") this.#rest = Buffer.alloc(0);
      return;
    }
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) this.#onLoss(lost);
  }

  #sayGoodbye(): void {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    const end = performance.now() + LONGEST_GOODBYE_MS;
    this.#handOn();
    while (this.#rest.length > 0 && performance.now() < end) {
      Atomics.wait(pause, 0, 0, PAUSE_MS);
      this.#handOn();
    }
  }
}
