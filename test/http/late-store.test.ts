import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { onOwnEventStoreDb } from "../store/server.ts";
import { READY_MS, until } from "../store/server-process.ts";

const main = join(import.meta.dirname, "../../src/main.ts");

onOwnEventStoreDb((server) => {
  test(
    "a service that starts before its store is alive, becomes ready with it, and writes to it",
    async () => {
      server().kill("SIGKILL");
      const child = spawn(process.execPath, [main, "--store", server().url, "--json", "serve", "--port", "0"], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      const exited = once(child, "exit");
      const [line] = await once(createInterface(child.stdout), "line");
      const { url } = JSON.parse(String(line)) as { readonly url: string };
      const status = async (path: string) => (await fetch(url + path)).status;
      expect([await status("/healthz"), await status("/readyz")]).toEqual([200, 503]);

      await server().restart();
      await until(async () => (await status("/readyz")) === 200, child);
      const answer = await fetch(`${url}/v1/projects/Late/models`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ task: "regression", algorithm: "linear", metrics: { r2: 0.5 } }),
      });
      expect(answer.status).toBe(201);
      child.kill("SIGTERM");
      expect(await exited).toEqual([0, null]);
    },
    3 * READY_MS,
  );
});
