import { get, type IncomingMessage } from "node:http";

/**
 * Listens to the events of a service on many connections, and tells its parent, for times by position, how long after
 * them each connection had the event, without end where it had it not in good time.
 */
const PATIENCE_MS = 10_000;
const [url = "", connections = "0"] = process.argv.slice(2);
const count = Number(connections);
const received = new Map<string, number[]>();
let onEvent: (position: string) => void = () => undefined;

function note(text: string, atMs: number): void {
  for (const [, position = ""] of text.matchAll(/^id: (\S+)\ndata/gm)) {
    const times = received.get(position) ?? [];
    times.push(atMs);
    received.set(position, times);
    onEvent(position);
  }
}

/** Resolves once the stream has begun. */
function listen(): Promise<void> {
  return new Promise((resolve, reject) => {
    get(`${url}/v1/events`, (answer: IncomingMessage) => {
      let rest = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        const atMs = performance.timeOrigin + performance.now();
        const text = rest + chunk;
        const end = text.lastIndexOf("\n\n") + 1; // nothing, where none is whole
        note(text.slice(0, end), atMs);
        rest = text.slice(end);
        resolve();
      });
      answer.on("close", () => reject(new Error("the stream ended")));
    }).on("error", reject);
  });
}

await Promise.all(Array.from({ length: count }, listen));
process.send?.("ready");

process.on("disconnect", () => process.exit());
process.on("message", (since: ReadonlyMap<string, number>) => {
  let missing = 0;
  for (const position of since.keys()) missing += count - (received.get(position)?.length ?? 0);
  const giveUp = setTimeout(tell, PATIENCE_MS);
  onEvent = (position) => {
    if (since.has(position)) missing -= 1;
    if (missing === 0) tell();
  };
  if (missing === 0) tell();

  function tell(): void {
    clearTimeout(giveUp);
    onEvent = () => undefined;
    const delays = [...since].flatMap(([position, ms]) => {
      const times = received.get(position) ?? [];
      return Array.from({ length: count }, (_, index) => Math.max(0, (times[index] ?? Number.POSITIVE_INFINITY) - ms));
    });
    process.send?.(Float64Array.from(delays));
  }
});
