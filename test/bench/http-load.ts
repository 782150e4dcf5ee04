import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Load {
  readonly url: string;
  readonly connections: number;
  readonly duration: number;
  readonly setupClient: (client: { setRequests(requests: readonly Sent[]): void }) => void;
}

interface Told {
  readonly "2xx": number;
  readonly non2xx: number;
  readonly errors: number;
  readonly duration: number;
}

/** It brings no types. */
const autocannon: (load: Load) => Promise<Told> = createRequire(import.meta.url)("autocannon");

/** Answers a second, over `connections` that each ask again as soon as they are answered. All must be 2xx. */
export async function answersPerSecond(
  url: string,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
  request: (connection: number) => Sent,
): Promise<number> {
  let client = 0;
  const told = await autocannon({
    url,
    connections,
    duration: seconds,
    setupClient: (connection) => connection.setRequests([request(client++)]),
  });
  if (told.non2xx + told.errors > 0) throw new Error(`${told.non2xx} answers were no 2xx, ${told.errors} failed`);
  return told["2xx"] / told.duration;
}

/** A server in a process of its own, started with these arguments, which prints where it listens as `{"url"}`. */
export async function server(...args: readonly string[]) {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(createInterface(child.stdout), "line");
  const { url } = JSON.parse(String(line)) as { readonly url: string };
  return {
    url,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** The program as it is, its log thrown away, without a limit on requests. */
export const service = (store: string) =>
  server(
    join(import.meta.dirname, "../../src/main.ts"),
    "--store",
    store,
    "--json",
    "serve",
    "--port",
    "0",
    "--rate-limit",
    "0",
  );
