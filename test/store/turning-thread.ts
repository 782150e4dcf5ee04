import { serve } from "../../src/sqlite/thread-loop.ts";

/** A thread that counts what waited for its event loop, and could be done. */
let done = 0;
const operations = {
  ask(): number {
    setImmediate(() => {
      done += 1;
    });
    return done;
  },
  close(): void {},
};
export type Turning = typeof operations;

serve(() => operations);
