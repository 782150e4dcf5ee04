import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Runtime } from "../runtime.ts";

/** A request that is on its way when the service begins to end has this long to arrive. */
const GRACE_MS = 1_000;

/**
 * Lets go of connections on which nothing was ever asked, when the service ends: browsers and connection pools open some
 * in advance, and Node would wait for their first request for a minute.
 */
export function letGoOfSilent(app: FastifyInstance, runtime: Runtime): void {
  const connections = new Set<Socket>();
  app.server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  app.addHook("preClose", async () => {
    runtime.after(GRACE_MS, () => {
      for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
    });
  });
}
