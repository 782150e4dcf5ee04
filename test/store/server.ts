import { afterAll, beforeAll, describe, inject } from "vitest";
import {
  freePort,
  isServerOnPath,
  READY_MS,
  type ServerProcess,
  type ServerSettings,
  startProcess,
} from "./server-process.ts";
import { isDockerThere } from "./shared-server.ts";

let categories = 0;

/** A category that no other test has: a ledger of its own on the same server. */
export function freshCategory(): string {
  categories += 1;
  return `modelLedgerTest${process.pid}x${Date.now()}x${categories}`;
}

export function skipAloud(missing: string, claims: () => void): void {
  console.warn(`SKIPPED: tests on EventStoreDB: ${missing}`);
  describe.skip(`on EventStoreDB (skipped: ${missing})`, claims);
}

function neverStarted(): never {
  throw new Error("the server is not there");
}

async function sharedServer(): Promise<string> {
  const response = await fetch(inject("eventStoreDbOffice"));
  const answer = await response.text();
  if (!response.ok) throw new Error(answer);
  return answer;
}

/**
 * Runs the claims on the server that all test files share, at EVENTSTORE_URL, else started from the PATH, else in
 * Docker; or says aloud that they were skipped. `url` is its esdb:// address.
 */
export function onEventStoreDb(claims: (url: () => string) => void): void {
  const given = process.env.EVENTSTORE_URL;
  if (given === undefined && !isServerOnPath() && !isDockerThere()) {
    skipAloud("no EVENTSTORE_URL, no eventstored on the PATH, no Docker engine that answers", () =>
      claims(neverStarted),
    );
    return;
  }
  describe("on EventStoreDB:", () => {
    let url: string | undefined;
    beforeAll(async () => {
      url = given ?? (await sharedServer());
    }, 2 * READY_MS);
    claims(() => url ?? neverStarted());
  });
}

/** Runs the claims on a server of their own, to which they may do anything, or says aloud that they were skipped. */
export function onOwnEventStoreDb(
  claims: (server: () => ServerProcess) => void,
  settings: Pick<ServerSettings, "keeps" | "projections"> = {},
): void {
  if (!isServerOnPath()) {
    skipAloud("no eventstored on the PATH, to be killed", () => claims(neverStarted));
    return;
  }
  describe("on an EventStoreDB of its own:", () => {
    let server: ServerProcess | undefined;
    beforeAll(async () => {
      server = await startProcess({ ...settings, port: await freePort() });
    }, READY_MS);
    afterAll(() => server?.stop());
    claims(() => server ?? neverStarted());
  });
}
