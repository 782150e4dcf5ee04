import { expect, test } from "vitest";
import { type Received, receiver } from "../subscriptions/receiver.ts";
import { serviceOn } from "./service.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = `00-${TRACE}-b7ad6b7169203331-01`;
const training = { task: "classification", algorithm: "svm", metrics: { f1: 0.9 } };
const models = "/v1/projects/Digits/models";

test("without an SDK the caller's trace is kept in the event and handed on to webhooks", async () => {
  const { promise: delivered, resolve } = Promise.withResolvers<Received>();
  const { url } = await receiver((response, received) => {
    response.writeHead(204).end();
    resolve(received);
  });
  await using service = await serviceOn();
  await service.ledger.webhooks.add({ url, allowPrivate: true });
  await service.ask("POST", models, training, { traceparent: CALLER });
  const [event] = await Array.fromAsync(service.ledger.export());
  expect(event).toContain(`"traceparent":"${CALLER}"`);
  const stop = new AbortController();
  const running = service.ledger.webhooks.run({ signal: stop.signal });
  const delivery = await delivered;
  expect(delivery.headers.traceparent).toBe(CALLER);
  expect(JSON.parse(delivery.body)).toMatchObject({ traceparent: CALLER });
  stop.abort();
  await running;
});

test.each(["", "nonsense", `00-${"0".repeat(32)}-b7ad6b7169203331-01`, `ff-${TRACE}-b7ad6b7169203331-01`])(
  "a traceparent that is none (%j) leaves no trace",
  async (traceparent) => {
    await using service = await serviceOn();
    await service.ask("POST", models, training, { traceparent });
    for await (const line of service.ledger.export()) expect(line).not.toContain("traceparent");
  },
);
