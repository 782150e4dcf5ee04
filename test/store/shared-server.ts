import { execFileSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { TestProject } from "vitest/node";
import { commonFlags, freePort, isReadyAt, isServerOnPath, startProcess, until } from "./server-process.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Who asks here is answered with the esdb:// address of a server that all test files share. */
    readonly eventStoreDbOffice: string;
  }
}

interface SharedServer {
  readonly url: string;
  stop(): Promise<void>;
}

const IMAGE = "eventstore/eventstore:23.10.6-jammy";

const docker = (...args: readonly string[]): string =>
  execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();

export function isDockerThere(): boolean {
  try {
    docker("info");
    return true;
  } catch {
    return false;
  }
}

async function startFromDocker(): Promise<SharedServer> {
  const run = ["run", "--detach", "--rm", "--publish", "127.0.0.1::2113", IMAGE, "--insecure", "--mem-db"];
  const container = docker(...run, ...commonFlags("All"));
  const address = docker("port", container, "2113").split("\n")[0] ?? "";
  await until(() => isReadyAt(`http://${address}`, "All"));
  return {
    url: `esdb://${address}?tls=false`,
    stop: async () => {
      docker("stop", container);
    },
  };
}

let office: Server | undefined;
let server: Promise<SharedServer> | undefined;

/** Opens the office; the server starts when the first test file asks for it, so that a run without one costs nothing. */
export async function setup(project: TestProject): Promise<void> {
  office = createServer(async (_, response) => {
    server ??= isServerOnPath() ? freePort().then((port) => startProcess({ port })) : startFromDocker();
    try {
      response.end((await server).url);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((resolve) => office?.listen(0, "127.0.0.1", resolve));
  const address = office.address();
  project.provide("eventStoreDbOffice", typeof address === "object" ? `http://127.0.0.1:${address?.port}` : "");
}

export async function teardown(): Promise<void> {
  office?.close();
  await (await server?.catch(() => undefined))?.stop();
}
