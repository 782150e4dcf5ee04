import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { get as getInsecure } from "node:http";
import { get as getSecure } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A process of EventStoreDB for the tests, on loopback. */
export interface ServerProcess {
  readonly port: number;
  /** esdb://… */
  readonly url: string;
  kill(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): void;
  /** Starts it again after a kill, on the same port and folder. */
  restart(): Promise<void>;
  /** Also deletes its folder. */
  stop(): Promise<void>;
}

const PROGRAM = "eventstored";
/** A start takes two seconds, or thirty on a busy machine. */
export const READY_MS = 150_000;

/** Which projections a server runs. */
export type Projections = "All" | "System" | "None";

/** What every server of the tests is started with, wherever it runs. */
export const commonFlags = (projections: Projections): readonly string[] => [
  `--run-projections=${projections}`,
  ...(projections === "None" ? [] : ["--start-standard-projections"]),
  "--enable-atom-pub-over-http",
  // By the clock on the wall, 250 otherwise: on a busy machine the first event of a script takes longer.
  "--projection-execution-timeout=30000",
  "--projection-compilation-timeout=30000",
];

export const isServerOnPath = (): boolean =>
  (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, PROGRAM)));

/** Where no system takes the ports of its outgoing connections from: such a one would be gone before the server binds. */
const PORTS = { first: 10_000, count: 20_000 };

/** A port at random, so that test files that start servers side by side do not take the same. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + randomInt(PORTS.count);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Undefined: nobody answers there yet. */
export function ask(url: string): Promise<HttpAnswer | undefined> {
  const get = url.startsWith("https:") ? getSecure : getInsecure;
  return new Promise((resolve) => {
    const request = get(url, { timeout: 5_000, rejectUnauthorized: false }, async (response) => {
      try {
        const body = (await response.toArray()).join("");
        resolve({ status: response.statusCode ?? 0, body });
      } catch {
        resolve(undefined);
      }
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

/** Whether it takes writes and its projections run: a live server may still have to start them. */
export async function isReadyAt(base: string, projections: Projections): Promise<boolean> {
  const live = await ask(`${base}/health/live`);
  if (live?.status !== 204) return false;
  if (projections === "None") return true;
  const projection = await ask(`${base}/projection/%24by_category/statistics`);
  return /"status": *"Running"/.test(projection?.body ?? "");
}

export async function until(isSo: () => Promise<boolean>, child?: ChildProcess): Promise<void> {
  const end = Date.now() + READY_MS;
  while (!(await isSo())) {
    if (child && child.exitCode !== null) throw new Error(`${PROGRAM} ended with ${child.exitCode}`);
    if (Date.now() > end) throw new Error(`${PROGRAM} is not ready after ${READY_MS / 1_000} s`);
    await delay(100);
  }
}

export interface ServerSettings {
  readonly keeps?: "in memory" | "on disk";
  readonly projections?: Projections;
  readonly port: number;
  /** Besides those that every server gets. Default: without TLS. */
  readonly flags?: readonly string[];
  /** Where it is asked whether it is ready. */
  readonly base?: string;
}

export async function startProcess({
  keeps = "in memory",
  projections = "All",
  port,
  flags = ["--insecure"],
  base = `http://127.0.0.1:${port}`,
}: ServerSettings): Promise<ServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-eventstoredb-"));
  const all = [
    ...commonFlags(projections),
    ...flags,
    keeps === "in memory" ? "--mem-db" : `--db=${join(folder, "db")}`,
    `--log=${join(folder, "log")}`,
    "--node-ip=127.0.0.1",
    `--node-port=${port}`,
    "--stream-existence-filter-size=1000000",
  ];
  let child = await start();

  async function start(starts = 3): Promise<ChildProcess> {
    const started = spawn(PROGRAM, all, { stdio: "ignore" });
    try {
      await until(() => isReadyAt(base, projections), started);
    } catch (error) {
      started.kill("SIGKILL");
      // So ends a node that the first election chose and the second did not: it has to be started to cut its log.
      if (started.exitCode === 0 && starts > 1) return start(starts - 1);
      throw error;
    }
    return started;
  }
  function exited(): Promise<unknown> {
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => child.once("exit", resolve));
  }

  return {
    port,
    url: `esdb://127.0.0.1:${port}?tls=false`,
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
