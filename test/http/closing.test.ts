import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { systemRuntime } from "../../src/runtime.ts";
import { serviceOn } from "./service.ts";

/** A service whose grace never ends by itself, and who asks it over one kept connection. */
async function patientService() {
  const { app } = await serviceOn({ runtime: { ...systemRuntime(), after: () => () => undefined } });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const ask = async () => {
    const [answer] = (await once(get(`${url}/healthz`, { agent }), "response")) as [IncomingMessage];
    await text(answer);
    return [answer.statusCode, answer.headers.connection];
  };
  return { app, ask };
}

test("what is asked over a kept connection while the service begins to end is answered, and ends it", async () => {
  const { app, ask } = await patientService();
  expect(await ask()).toEqual([200, "keep-alive"]);
  const closed = app.close();
  for (let turns = 0; turns < 20; turns++) await turn();
  expect(await ask()).toEqual([200, "close"]);
  await closed;
});

test("a service that nobody is connected to ends without waiting", async () => {
  const { app } = await patientService();
  await app.close();
});
