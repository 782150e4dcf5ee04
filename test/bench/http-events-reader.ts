import { connect } from "node:net";

/**
 * Listens to the events of a service on many connections, and tells its parent, for times by position, how long after
 * them each connection had the event, without end where it had it not in good time. It shares the machine with the
 * service, so it does little: it reads plain sockets into one buffer and looks at no more of an event than its position.
 */
const PATIENCE_MS = 10_000;
const READ_BYTES = 256 * 1024;
const [url = "", connections = "0"] = process.argv.slice(2);
const count = Number(connections);
const received = new Map<string, number[]>();
let onEvent: (position: string) => void = () => undefined;

const END_OF_BLOCK = Buffer.from("\n\n");
const BEFORE_ID = Buffer.from("\nid: ");
const FIRST_OF_EVENT = "e".charCodeAt(0);
const NEWLINE = "\n".charCodeAt(0);

function note(position: string, atMs: number): void {
  const times = received.get(position);
  if (times) times.push(atMs);
  else received.set(position, [atMs]);
  onEvent(position);
}

/** Takes what one connection says, as it comes: blocks that end with an empty line, some of which are events. */
function hearing(): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let last = "";
  return (bytes) => {
    const atMs = performance.timeOrigin + performance.now();
    const text = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes;
    let start = 0;
    for (let end = text.indexOf(END_OF_BLOCK); end !== -1; end = text.indexOf(END_OF_BLOCK, start)) {
      if (text[start] === FIRST_OF_EVENT) {
        const from = text.indexOf(BEFORE_ID, start) + BEFORE_ID.length;
        const position = text.toString("latin1", from, text.indexOf(NEWLINE, from));
        if (position <= last) throw new Error(`${position} came after ${last}`);
        last = position;
        note(position, atMs);
      }
      start = end + END_OF_BLOCK.length;
    }
    rest = Buffer.from(text.subarray(start)); // the buffer is read into again
  };
}

const buffer = Buffer.alloc(READ_BYTES);

/** Resolves once the stream has begun. */
function listen(): Promise<void> {
  return new Promise((resolve, reject) => {
    const { hostname: host, port } = new URL(url);
    const hear = hearing();
    const onread = {
      buffer,
      callback(bytes: number) {
        hear(buffer.subarray(0, bytes));
        resolve();
        return true;
      },
    };
    const socket = connect({ host, port: Number(port), onread });
    socket.on("error", reject).on("close", () => reject(new Error("the stream ended")));
    socket.write("GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n");
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
