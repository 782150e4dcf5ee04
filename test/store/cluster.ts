import { afterAll, beforeAll, describe } from "vitest";
import { skipAloud } from "./server.ts";
import { ask, freePort, isServerOnPath, READY_MS, type ServerProcess, startProcess } from "./server-process.ts";

/** Three nodes on loopback, without TLS. */
export interface Cluster {
  readonly nodes: readonly ServerProcess[];
  /** host:port of every node, with commas between. */
  readonly hosts: string;
  leader(): Promise<ServerProcess>;
  followers(): Promise<readonly ServerProcess[]>;
}

const SIZE = 3;

async function isInState(node: ServerProcess, state: "leader" | "follower"): Promise<boolean> {
  const info = await ask(`http://127.0.0.1:${node.port}/info`);
  return new RegExp(`"state": *"${state}"`, "i").test(info?.body ?? "");
}

async function startCluster(): Promise<Cluster & { stop(): Promise<unknown> }> {
  const ports = await Promise.all([...Array(2 * SIZE)].map(() => freePort()));
  const nodePorts = ports.slice(0, SIZE);
  const starting = await Promise.allSettled(
    nodePorts.map((port, index) => {
      const seeds = nodePorts.filter((other) => other !== port).map((other) => `127.0.0.1:${other}`);
      const flags = [
        "--insecure",
        `--cluster-size=${SIZE}`,
        "--discover-via-dns=false",
        `--gossip-seed=${seeds.join(",")}`,
        "--replication-ip=127.0.0.1",
        `--replication-port=${ports[SIZE + index]}`,
      ];
      return startProcess({ port, flags });
    }),
  );
  const nodes = starting.flatMap((node) => (node.status === "fulfilled" ? [node.value] : []));
  const failed = starting.find((node) => node.status === "rejected");
  if (failed) {
    await Promise.all(nodes.map((node) => node.stop()));
    throw failed.reason;
  }
  async function inState(state: "leader" | "follower"): Promise<readonly ServerProcess[]> {
    const are = await Promise.all(nodes.map((node) => isInState(node, state)));
    return nodes.filter((_, index) => are[index]);
  }
  return {
    nodes,
    hosts: nodePorts.map((port) => `127.0.0.1:${port}`).join(","),
    async leader() {
      for (;;) {
        const [leader] = await inState("leader");
        if (leader) return leader;
      }
    },
    followers: () => inState("follower"),
    stop: () => Promise.all(nodes.map((node) => node.stop())),
  };
}

/** Runs the claims on a cluster of their own, to which they may do anything, or says aloud that they were skipped. */
export function onCluster(claims: (cluster: () => Cluster) => void): void {
  const neverStarted = (): never => {
    throw new Error("the cluster is not there");
  };
  if (!isServerOnPath()) {
    skipAloud("no eventstored on the PATH, to start three nodes", () => claims(neverStarted));
    return;
  }
  let cluster: Awaited<ReturnType<typeof startCluster>> | undefined;
  describe("on three nodes of EventStoreDB:", () => {
    beforeAll(async () => {
      cluster = await startCluster();
    }, 2 * READY_MS);
    afterAll(() => cluster?.stop());
    claims(() => cluster ?? neverStarted());
  });
}
