import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe } from "vitest";

let categories = 0;

/** A category that no other test has: a ledger of its own on the same server. */
export function freshCategory(): string {
  categories += 1;
  return `modelLedgerTest${process.pid}x${Date.now()}x${categories}`;
}

/** A real EventStoreDB for the tests. */
export interface TestServer {
  /** esdb://… */
  readonly url: string;
  /** Undefined: somebody else's, which is not to be stopped. */
  readonly process: ServerProcess | undefined;
}

export interface ServerProcess {
  readonly port: number;
  kill(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): void;
  /** Starts it again after a kill, on the same port and folder. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const PROGRAM = "eventstored";
const READY_MS = 60_000;

function isOnPath(): boolean {
  try {
    execFileSync(PROGRAM, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

async function answers(url: string, expected: (response: Response) => Promise<boolean>): Promise<boolean> {
  try {
    return await expected(await fetch(url, { signal: AbortSignal.timeout(2_000) }));
  } catch {
    return false;
  }
}

/** Until it takes writes and its projections run: a live server may still have to start them. */
async function isReady(port: number, child: ChildProcess, projections: Projections): Promise<void> {
  const base = `http://127.0.0.1:${port}`;
  const end = Date.now() + READY_MS;
  const isLive = () => answers(`${base}/health/live`, async ({ status }) => status === 204);
  const isRunning = () =>
    answers(`${base}/projection/%24by_category/statistics`, async (response) =>
      /"status": *"Running"/.test(await response.text()),
    );
  while (!((await isLive()) && (projections === "None" || (await isRunning())))) {
    if (child.exitCode !== null) throw new Error(`${PROGRAM} ended with ${child.exitCode}`);
    if (Date.now() > end) throw new Error(`${PROGRAM} is not ready after ${READY_MS / 1_000} s`);
    await delay(100);
  }
}

/** Which projections the server runs. */
type Projections = "All" | "System" | "None";

async function startServer(keeps: "in memory" | "on disk", projections: Projections): Promise<ServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-eventstoredb-"));
  const port = await freePort();
  const database = keeps === "in memory" ? ["--mem-db"] : [`--db=${join(folder, "db")}`];
  const flags = [
    "--insecure",
    ...database,
    `--log=${join(folder, "log")}`,
    `--run-projections=${projections}`,
    ...(projections === "None" ? [] : ["--start-standard-projections"]),
    "--enable-atom-pub-over-http",
    "--node-ip=127.0.0.1",
    `--node-port=${port}`,
    "--stream-existence-filter-size=1000000",
    // By the clock on the wall, 250 otherwise: on a busy machine the first event of a script takes longer.
    "--projection-execution-timeout=30000",
    "--projection-compilation-timeout=30000",
  ];
  let child = await start();

  async function start(): Promise<ChildProcess> {
    const started = spawn(PROGRAM, flags, { stdio: "ignore" });
    await isReady(port, started, projections);
    return started;
  }
  function exited(): Promise<unknown> {
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => child.once("exit", resolve));
  }

  return {
    port,
    kill: (signal) => {
      child.kill(signal);
    },
    async restart() {
      await exited();
      child = await start();
    },
    async stop() {
      const patience = setTimeout(() => child.kill("SIGKILL"), 10_000);
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      await exited();
      clearTimeout(patience);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Runs the claims on the server at EVENTSTORE_URL, else on one started from the PATH and stopped afterwards, else says
 * aloud that they were skipped. `own`: only on one that may be killed.
 */
export function onEventStoreDb(
  claims: (server: () => TestServer) => void,
  {
    own = false,
    keeps = "in memory",
    projections = "All",
  }: { readonly own?: boolean; readonly keeps?: "in memory" | "on disk"; readonly projections?: Projections } = {},
): void {
  const given = own ? undefined : process.env.EVENTSTORE_URL;
  if (given === undefined && !isOnPath()) {
    console.warn(`SKIPPED: the EventStoreDB suite. Set EVENTSTORE_URL or put "${PROGRAM}" on the PATH.`);
    describe.skip("EventStoreDB (no EVENTSTORE_URL, no eventstored on the PATH)", () => claims(() => neverStarted()));
    return;
  }
  let server: TestServer | undefined;
  describe("on EventStoreDB", () => {
    beforeAll(async () => {
      const child = given === undefined ? await startServer(keeps, projections) : undefined;
      const url = child ? `esdb://127.0.0.1:${child.port}?tls=false` : given;
      server = { url: url ?? "", process: child };
    }, READY_MS);
    afterAll(() => server?.process?.stop());
    claims(() => server ?? neverStarted());
  });
}

/** Runs the claims on a server of their own, to which they may do anything. */
export function onOwnEventStoreDb(
  claims: (server: () => ServerProcess) => void,
  keeps: "in memory" | "on disk" = "in memory",
): void {
  onEventStoreDb((server) => claims(() => server().process ?? neverStarted()), { own: true, keeps });
}

function neverStarted(): never {
  throw new Error("the server is not there");
}
