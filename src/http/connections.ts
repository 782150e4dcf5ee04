import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Runtime } from "../runtime.ts";

/**
 * What is owed on each open connection. Answers go out in the order of their requests, so the last one tells of all.
 */
export class Connections {
  /** The last answer that a connection waits for or has got. */
  readonly #last = new Map<Socket, ServerResponse | undefined>();
  #allGone: (() => void) | undefined;

  constructor(server: Server) {
    server.on("connection", (socket: Socket) => {
      this.#last.set(socket, undefined);
      socket.once("close", () => {
        this.#last.delete(socket);
        if (this.#last.size === 0) this.#allGone?.();
      });
    });
    server.on("request", ({ socket }, answer) => this.#last.set(socket, answer));
  }

  /** Whether what is written next is taken for the answer to a request that cannot be read: nothing else is under way. */
  isFree(socket: Socket): boolean {
    if (!socket.writable) return false;
    const last = this.#last.get(socket);
    if (last === undefined || last.writableFinished) return true;
    const isItsOwn = !last.req.complete && last.socket === socket; // of a request with a body that cannot be read
    return isItsOwn && !last.headersSent;
  }

  /** Resolves once none is open, or `waitedMs` have passed. */
  allGone(runtime: Runtime, waitedMs: number): Promise<void> {
    if (this.#last.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = runtime.after(waitedMs, resolve);
      this.#allGone = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Ends those on which nothing is owed; a request that has not come whole is none. */
  endIdle(): void {
    for (const [socket, last] of this.#last) {
      if (last === undefined || last.writableFinished) socket.destroy();
    }
  }
}
