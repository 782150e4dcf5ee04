import { get, type IncomingMessage } from "node:http";

/**
 * Listens to the events of a service on many connections, and tells its parent, for times by position, how long after
 * them each connection had the event: it waits until all have it.
 */
const [url = "", connections = "0"] = process.argv.slice(2);
const count = Number(connections);
const received = new Map<string, number[]>();
let onEvent: () => void = () => undefined;

function note(text: string, atMs: number): void {
  for (const [, position = ""] of text.matchAll(/^id: (\S+)\ndata/gm)) {
    const times = received.get(position) ?? [];
    times.push(atMs);
    received.set(position, times);
  }
  onEvent();
}

/** Resolves once the stream has begun. */
function listen(): Promise<void> {
  return new Promise((resolve, reject) => {
    get(`${url}/v1/events`, (answer: IncomingMessage) => {
      let rest = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        const atMs = performance.timeOrigin + performance.now();
        const text = rest + chunk;
        const end = text.lastIndexOf("\n\n") + 2;
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

process.on("message", (since: ReadonlyMap<string, number>) => {
  const isComplete = () => [...since.keys()].every((position) => received.get(position)?.length === count);
  const tell = () => {
    if (!isComplete()) return;
    onEvent = () => undefined;
    const delays = [...since].map(([position, ms]) => received.get(position)?.map((atMs) => Math.max(0, atMs - ms)));
    process.send?.(Float64Array.from(delays.flatMap((ofOne) => ofOne ?? [])));
  };
  onEvent = tell;
  tell();
});
