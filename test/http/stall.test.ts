import { createRequire } from "node:module";
import type { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";

/** As a process finds it that was held up for a second: two measurements in a row make the first delay. */
const hooks: { monitorEventLoopDelay: typeof monitorEventLoopDelay } = createRequire(import.meta.url)(
  "node:perf_hooks",
);
const original = hooks.monitorEventLoopDelay;
hooks.monitorEventLoopDelay = (options) => Object.assign(original(options), { enable: () => false });
const { serviceOn } = await import("./service.ts");

test("a second in which nothing could be measured is no sign that there is too much to do", async () => {
  await using service = await serviceOn();
  await delay(1_200);
  const training = { task: "classification", algorithm: "svm", metrics: { f1: 0.9 } };
  expect((await service.ask("GET", "/healthz")).status).toBe(200);
  expect((await service.ask("POST", "/v1/projects/Digits/models", training)).status).toBe(201);
});
