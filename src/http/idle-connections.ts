import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Runtime } from "../runtime.ts";

/** A request that is on its way when the service begins to end has this long to arrive. */
const GRACE_MS = 1_000;

/**
 * Lets go of connections on which nothing is asked, when the service ends: browsers and connection pools open some in
 * advance, and Node would wait a minute for their first request, or for the rest of one.
 */
export function letGoOfIdle(app: FastifyInstance, runtime: Runtime): void {
  /** Requests that are not answered yet. */
  const open = new Map<Socket, number>();
  app.server.on("connection", (socket: Socket) => {
    open.set(socket, 0);
    socket.once("close", () => open.delete(socket));
  });
  const count = (socket: Socket, change: 1 | -1): void => {
    const requests = open.get(socket);
    if (requests !== undefined) open.set(socket, requests + change);
  };
  app.addHook("onRequest", ({ socket }, _reply, done) => {
    count(socket, 1);
    done();
  });
  app.addHook("onResponse", ({ socket }, _reply, done) => {
    count(socket, -1);
    done();
  });
  app.addHook("preClose", async () => {
    runtime.after(GRACE_MS, () => {
      for (const [socket, requests] of open) if (requests === 0) socket.destroy();
    });
  });
}
