import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe } from "vitest";
import {
  COMMON_FLAGS,
  freePort,
  isServerOnPath,
  READY_MS,
  type ServerProcess,
  startProcess,
  takesWritesAndProjects,
  until,
} from "./server-process.ts";

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
  stop(): Promise<void>;
}

const IMAGE = "eventstore/eventstore:23.10.6-jammy";

async function fromPath(keeps: "in memory" | "on disk"): Promise<TestServer> {
  const port = await freePort();
  const isReady = () => takesWritesAndProjects(`http://127.0.0.1:${port}`);
  const process = await startProcess({ keeps, port, flags: ["--insecure"], isReady });
  return { url: `esdb://127.0.0.1:${port}?tls=false`, process, stop: process.stop };
}

async function fromDocker(): Promise<TestServer> {
  const run = ["run", "--detach", "--rm", "--publish", "127.0.0.1::2113", IMAGE, "--insecure", "--mem-db"];
  const container = docker(...run, ...COMMON_FLAGS);
  const address = docker("port", container, "2113").split("\n")[0] ?? "";
  await until(() => takesWritesAndProjects(`http://${address}`));
  const stop = async (): Promise<void> => {
    docker("stop", container);
  };
  return { url: `esdb://${address}?tls=false`, process: undefined, stop };
}

const docker = (...args: readonly string[]): string =>
  execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();

function isDockerThere(): boolean {
  try {
    docker("info");
    return true;
  } catch {
    return false;
  }
}

/** How to come by a server: EVENTSTORE_URL, else eventstored on the PATH, else Docker; undefined: not at all. */
function source(): (() => Promise<TestServer>) | undefined {
  const url = process.env.EVENTSTORE_URL;
  if (url !== undefined) return async () => ({ url, process: undefined, stop: async () => undefined });
  if (isServerOnPath()) return () => fromPath("in memory");
  return isDockerThere() ? fromDocker : undefined;
}

function run(
  start: (() => Promise<TestServer>) | undefined,
  claims: (server: () => TestServer) => void,
  missing: string,
): void {
  if (!start) {
    skipAloud(missing, () => claims(neverStarted));
    return;
  }
  let server: TestServer | undefined;
  describe("on EventStoreDB:", () => {
    beforeAll(async () => {
      server = await start();
    }, READY_MS);
    afterAll(() => server?.stop());
    claims(() => server ?? neverStarted());
  });
}

export function skipAloud(missing: string, claims: () => void): void {
  console.warn(`SKIPPED: tests on EventStoreDB: ${missing}`);
  describe.skip(`on EventStoreDB (skipped: ${missing})`, claims);
}

/** Runs the claims on a server that others may use as well, or says aloud that they were skipped. */
export function onEventStoreDb(claims: (server: () => TestServer) => void): void {
  run(source(), claims, "no EVENTSTORE_URL, no eventstored on the PATH, no Docker engine that answers");
}

/** Runs the claims on a server of their own, to which they may do anything. */
export function onOwnEventStoreDb(
  claims: (server: () => ServerProcess) => void,
  keeps: "in memory" | "on disk" = "in memory",
): void {
  const start = isServerOnPath() ? () => fromPath(keeps) : undefined;
  run(start, (server) => claims(() => server().process ?? neverStarted()), "no eventstored on the PATH, to be killed");
}

function neverStarted(): never {
  throw new Error("the server is not there");
}
