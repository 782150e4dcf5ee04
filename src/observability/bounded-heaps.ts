import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Two halves of 16 MiB, one of which is in use. V8 goes on to 128 MiB in all. */
const ENOUGH_YOUNG_BYTES = 32 * 1_048_576;

/**
 * Keeps the heaps of this process, and of the threads that it starts from now on, near what they need. V8 takes memory to
 * save time by rules that come to rest after hours only, so that a service looks as if it leaked.
 *
 * Old objects are collected once there are half as many again as were left the last time; by itself V8 may wait until
 * there are four times as many.
 *
 * Young objects have 32 MiB. V8 doubles their space whenever so many have survived as fit, which happens to whoever lives
 * long enough, and can be told a bound only before it runs (`--max-semi-space-size`). So once the space is large enough,
 * V8 is told to multiply it by one. As that goes for threads too, these begin with what suffices for them.
 */
export function boundHeaps(): void {
  setFlagsFromString("--heap-growing-percent=50");
  setFlagsFromString("--min-semi-space-size=4");
  const observer = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    if (young === undefined || young.space_size < ENOUGH_YOUNG_BYTES) return;
    setFlagsFromString("--semi-space-growth-factor=1");
    observer.disconnect();
  });
  observer.observe({ entryTypes: ["gc"] });
}
