import { Webhook } from "standardwebhooks";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Ledger, LedgerOptions } from "../../src/api/ledger.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { isPublicAddress } from "../../src/subscriptions/webhooks/public-address.ts";
import { httpSend } from "../../src/subscriptions/webhooks/send.ts";
import { codeOf, onEveryStore } from "../ledger/stores.ts";
import { type Received, receiver } from "./receiver.ts";
import { virtualTime } from "./virtual-time.ts";

const PATIENCE = { timeout: 60_000 };
const DEPLOYED = { types: ["ModelDeployed" as const] };

async function train(ledger: Ledger, project = "Digits", f1 = 0.5): Promise<void> {
  await ledger.recordTraining({
    project,
    task: "classification",
    algorithm: "svm",
    metrics: { f1 },
    reason: "nightly",
  });
}

/** Throws unless the signature is right, by the library of those who wrote the standard. */
const verified = ({ body, headers }: Received, secret: string): unknown =>
  new Webhook(secret).verify(body, headers as Record<string, string>);

function inMemory(options?: LedgerOptions): Ledger {
  const ledger = new LocalLedger(memoryEventStore(), options);
  onTestFinished(() => ledger.close());
  return ledger;
}

async function all<Row>(rows: AsyncIterable<Row>): Promise<readonly Row[]> {
  const found: Row[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

onEveryStore((place) => {
  test("what is recorded after it was added is sent: signed, as a CloudEvent, once, in order", async () => {
    const at = place();
    const { url, received } = await receiver();
    const ledger = await at.open();
    onTestFinished(() => ledger.close());
    await train(ledger, "Digits", 0.1);
    const { id, secret } = await ledger.webhooks.add({ url, ...DEPLOYED, project: "Dig*", allowPrivate: true });
    await train(ledger, "Digits", 0.2);
    await train(ledger, "Cats", 0.2);
    await train(ledger, "Digits", 0.3);
    void ledger.webhooks.run();
    await expect.poll(() => received.length, PATIENCE).toBe(2);
    await train(ledger, "Digits", 0.4);
    await expect.poll(() => received.length, PATIENCE).toBe(3);
    const bodies = received.map((one) => verified(one, secret));
    expect(bodies).toMatchObject([2, 3, 4].map((number) => ({ data: { project: "Digits", number } })));
    const [first] = received;
    expect(first?.headers).toMatchObject({
      "content-type": expect.stringMatching(/^application\/cloudevents\+json/),
      "webhook-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
      "webhook-timestamp": expect.stringMatching(/^\d{10}$/),
    });
    expect(bodies[0]).toMatchObject({
      specversion: "1.0",
      id: first?.headers["webhook-id"],
      type: "model-ledger.ModelDeployed",
      source: "/projects/Digits",
      subject: "Digits",
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      datacontenttype: "application/json",
      actor: expect.any(String),
      reason: "nightly",
    });
    expect(() => verified(first as Received, `whsec_${Buffer.alloc(32).toString("base64")}`)).toThrow(/signature/i);
    await expect
      .poll(async () => (await all(ledger.webhooks.deliveries({ id }))).map((one) => one.isDelivered), PATIENCE)
      .toEqual([true, true, true]);
    const deliveries = await all(ledger.webhooks.deliveries());
    expect(deliveries[0]).toMatchObject({
      webhook: id,
      type: "ModelDeployed",
      revision: expect.any(BigInt),
      attemptCount: 1,
      attempts: [{ status: 204 }],
    });
    expect(deliveries.map(({ position }) => position)).toEqual(
      deliveries
        .map(({ position }) => position)
        .toSorted()
        .toReversed(),
    );
  });

  test("a removed webhook is sent nothing more, in whatever process it is delivered", async () => {
    const at = place();
    const { url, received } = await receiver();
    const [ledger, other] = await Promise.all([at.open(), at.open()]);
    onTestFinished(async () => {
      await Promise.all([ledger.close(), other.close()]);
    });
    void other.webhooks.run();
    const { id } = await ledger.webhooks.add({ url, ...DEPLOYED, allowPrivate: true });
    await train(ledger);
    await expect.poll(() => received.length, PATIENCE).toBe(1);
    await ledger.webhooks.remove(id);
    await expect.poll(async () => (await other.subscriptions.list()).length, PATIENCE).toBe(0);
    await train(ledger, "Digits", 0.9);
    const after = await ledger.webhooks.add({ url: `${url}/after`, allowPrivate: true });
    await train(ledger, "Cats");
    await expect.poll(() => received.filter(({ path }) => path === "/hook/after").length, PATIENCE).toBe(2);
    expect(received.filter(({ path }) => path === "/hook")).toHaveLength(1);
    expect(await ledger.webhooks.list()).toMatchObject([{ id: after.id }]);
    expect(await codeOf(ledger.webhooks.remove(id))).toBe("WEBHOOK_NOT_FOUND");
  });
});

describe("of a removed webhook", () => {
  /** Three processes of one ledger, on one clock. */
  async function world() {
    const time = virtualTime();
    const store = memoryEventStore();
    const process = (name: string) => {
      const runtime = time.process(name);
      const ledger = new LocalLedger({ ...store, close: async () => undefined }, { runtime, actor: name });
      onTestFinished(() => runtime.resume());
      return { runtime, ledger };
    };
    const [a, b, c] = [process("a"), process("b"), process("c")];
    const { url, received } = await receiver();
    for (const f1 of [0.1, 0.2, 0.3]) await train(c.ledger, "Digits", f1);
    const { id } = await c.ledger.webhooks.add({ url, ...DEPLOYED, allowPrivate: true });
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const run = ({ ledger }: typeof a): void => void ledger.webhooks.run({ signal: stop.signal });
    run(a);
    await time.settle();
    await train(c.ledger, "Digits", 0.4);
    await time.settle();
    await expect.poll(async () => (await c.ledger.webhooks.list())[0]?.finished, PATIENCE).toBe(1);
    return { time, a, b, c, id, received, run };
  }

  test("nothing is sent, not the past either, by who waits to deliver in the place of another", async () => {
    const { time, a, b, c, id, received, run } = await world();
    run(b);
    await time.settle();
    b.runtime.stop(); // it hears of the removal last
    await c.ledger.webhooks.remove(id);
    await time.advance(1_200);
    expect(await a.ledger.subscriptions.list()).toEqual([]);
    b.runtime.resume();
    await time.advance(30_000);
    expect(received).toHaveLength(1);
    expect(await a.ledger.subscriptions.list()).toEqual([]);
  });

  test("nothing that is recorded later is sent, also before the one that delivers has looked", async () => {
    const { time, c, id, received } = await world();
    await c.ledger.webhooks.remove(id);
    await train(c.ledger, "Digits", 0.5);
    await time.advance(30_000);
    expect(received).toHaveLength(1);
    expect(await c.ledger.subscriptions.list()).toEqual([]);
  });

  test("nothing is left when who delivered was killed just before, by whoever delivers next", async () => {
    const { time, a, b, c, id, run } = await world();
    a.runtime.stop();
    await c.ledger.webhooks.remove(id);
    expect(await c.ledger.subscriptions.list()).toHaveLength(1);
    void c.ledger.subscriptions.run({ name: "webhook.mine", handle: async () => undefined });
    run(b);
    await time.advance(30_000);
    expect((await c.ledger.subscriptions.list()).map(({ name }) => name)).toEqual(["webhook.mine"]);
  });
});

test("the deliveries of all webhooks come as one list, the newest first", async () => {
  const { url, received } = await receiver();
  const ledger = inMemory();
  for (const type of ["ModelTrained", "ModelDeployed"] as const) {
    await ledger.webhooks.add({ url, types: [type], allowPrivate: true });
  }
  for (const f1 of [0.1, 0.2, 0.3]) await train(ledger, "Digits", f1);
  void ledger.webhooks.run();
  await expect.poll(() => received.length, PATIENCE).toBe(6);
  await expect.poll(async () => (await all(ledger.webhooks.deliveries())).length, PATIENCE).toBe(6);
  const positions = (await all(ledger.webhooks.deliveries())).map(({ position }) => position);
  expect(positions).toEqual(positions.toSorted().toReversed());
});

describe("an attempt that fails", () => {
  test("is made again with the same id and bytes, signed anew, and holds up those after it", async () => {
    const { url, received, firstSeen } = await receiver((response, _, count) => {
      response.writeHead(count <= 2 ? 503 : 200).end("x".repeat(100_000));
    });
    const ledger = inMemory();
    const { id, secret } = await ledger.webhooks.add({ url, ...DEPLOYED, allowPrivate: true });
    await train(ledger, "Digits", 0.1);
    await train(ledger, "Digits", 0.2);
    void ledger.webhooks.run();
    await expect.poll(() => received.length, PATIENCE).toBe(4);
    const [one, two, three, next] = received;
    expect(new Set([one, two, three].map((each) => each?.body)).size).toBe(1);
    expect(new Set([one, two, three].map((each) => each?.headers["webhook-id"])).size).toBe(1);
    expect(next?.headers["webhook-id"]).not.toBe(one?.headers["webhook-id"]);
    for (const each of received) verified(each, secret);
    expect(firstSeen()).toHaveLength(2);
    await expect
      .poll(async () =>
        (await all(ledger.webhooks.deliveries({ id }))).map((each) => each.attempts.map((made) => made.status)),
      )
      .toEqual([[200], [503, 503, 200]]);
  });

  test("a redirect is not followed", async () => {
    const elsewhere = await receiver();
    const { url, received } = await receiver((response) => {
      response.writeHead(307, { location: elsewhere.url }).end();
    });
    const ledger = inMemory();
    await ledger.webhooks.add({ url, ...DEPLOYED, allowPrivate: true });
    await train(ledger);
    void ledger.webhooks.run();
    await expect.poll(() => received.length, PATIENCE).toBeGreaterThan(1);
    expect(elsewhere.received).toEqual([]);
    const [delivery] = await all(ledger.webhooks.deliveries({ failed: true }));
    expect(delivery?.attempts[0]).toMatchObject({
      status: 307,
      error: expect.stringContaining("redirects are not followed"),
    });
  });

  test("a receiver that never answers is given up after a while, and waits as long as one that asks for it", async () => {
    const time = virtualTime();
    const silent = await receiver((response, _, count) => {
      if (count > 1) response.writeHead(429, { "retry-after": "1800" }).end();
    });
    const ledger = inMemory({ runtime: time.process("a"), actor: "a" });
    await ledger.webhooks.add({ url: silent.url, ...DEPLOYED, allowPrivate: true });
    await train(ledger);
    void ledger.webhooks.run();
    await time.settle();
    await expect.poll(() => silent.received.length, PATIENCE).toBe(1);
    await time.advance(20_000);
    await expect.poll(() => silent.received.length, PATIENCE).toBe(2);
    await expect
      .poll(async () => (await all(ledger.webhooks.deliveries()))[0]?.attempts, PATIENCE)
      .toMatchObject([{ error: "no answer within 15 s", durationMs: 15_000 }, { status: 429 }]);
    for (let minute = 0; minute < 28; minute++) await time.advance(60_000);
    expect(silent.received).toHaveLength(2);
    await time.advance(180_000);
    await expect.poll(() => silent.received.length, PATIENCE).toBe(3);
  });

  test("for two hours: it is parked, can be listed, and sent once more when the receiver is back", async () => {
    const time = virtualTime();
    let isAway = true;
    const { url, received } = await receiver((response) => response.writeHead(isAway ? 500 : 200).end());
    const ledger = inMemory({ runtime: time.process("a"), actor: "a" });
    const { id, secret } = await ledger.webhooks.add({ url, ...DEPLOYED, allowPrivate: true });
    await train(ledger, "Digits", 0.1);
    const stop = new AbortController();
    const running = ledger.webhooks.run({ signal: stop.signal });
    async function parkedAfterAWhile(): Promise<number | undefined> {
      const [delivery] = await all(ledger.webhooks.deliveries());
      if ((delivery?.attemptCount ?? 0) === received.length) await time.advance(60_000); // nothing is under way
      return (await ledger.webhooks.list())[0]?.parked;
    }
    await expect.poll(parkedAfterAWhile, PATIENCE).toBe(1);
    expect(received).toHaveLength(20);
    stop.abort();
    await time.settle();
    await running;
    const failed = await all(ledger.webhooks.redeliver(id));
    expect(failed).toMatchObject([{ error: "the receiver answered 500" }]);
    isAway = false;
    expect(await all(ledger.webhooks.redeliver(id))).toMatchObject([{ attempt: { status: 200 } }]);
    expect(await all(ledger.webhooks.redeliver(id))).toEqual([]);
    expect(await ledger.webhooks.list()).toMatchObject([{ parked: 0 }]);
    expect(await all(ledger.webhooks.deliveries())).toMatchObject([{ isDelivered: true, attemptCount: 22 }]);
    expect(new Set(received.map(({ body }) => body)).size).toBe(1);
    for (const each of received.slice(-2)) expect(each.headers["webhook-id"]).toBe(received[0]?.headers["webhook-id"]);
    expect(secret).toMatch(/^whsec_/);
    expect(await codeOf(all(ledger.webhooks.redeliver(id, ["nothing"])))).toBe("WEBHOOK_NOT_FOUND");
  });
});

test("the delivery log holds hundreds, over the ends of its parts", async () => {
  const { url } = await receiver();
  const ledger = inMemory();
  const { id } = await ledger.webhooks.add({ url, types: ["ModelTrained"], allowPrivate: true });
  for (let index = 0; index < 120; index++) await train(ledger, "Digits", index / 1000);
  void ledger.webhooks.run();
  await expect.poll(async () => (await ledger.webhooks.list())[0]?.finished, PATIENCE).toBe(120);
  const deliveries = await all(ledger.webhooks.deliveries({ id }));
  const positions = deliveries.map(({ position }) => position);
  expect(positions).toEqual(positions.toSorted().toReversed());
  expect(new Set(deliveries.map(({ eventId }) => eventId)).size).toBe(120);
  const oldest = deliveries.at(-1)?.eventId ?? "";
  expect(await all(ledger.webhooks.redeliver(id, [oldest]))).toMatchObject([
    { eventId: oldest, attempt: { status: 204 } },
  ]);
  expect((await all(ledger.webhooks.deliveries({ id }))).at(-1)).toMatchObject({ eventId: oldest, attemptCount: 2 });
});

describe("private addresses", () => {
  test.for([
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "not an address",
    "",
  ])("%s is one", (address) => expect(isPublicAddress(address)).toBe(false));

  test.for([
    "1.1.1.1",
    "8.8.8.8",
    "172.15.0.1",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "2a00:1450:4001::200e",
  ])("%s is none", (address) => expect(isPublicAddress(address)).toBe(true));

  test.for([
    "http://127.0.0.1:9/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://localhost:3000/",
    "http://LOCALHOST./",
    "http://a.localhost/",
    "http://169.254.169.254/latest/meta-data",
    "ftp://example.com/",
    "example.com/hook",
    "http://example.com:99999/",
    "http://user:secret@example.com/",
    "nonsense",
  ])("%s is refused when it is added", async (url) => {
    await expect(inMemory().webhooks.add({ url })).rejects.toMatchObject({
      code: "INVALID_INPUT",
      details: { issues: [{ path: "url" }] },
    });
  });

  test("are found behind a name, and at the address itself, when it is connected to: nothing is sent", async () => {
    const { url, received } = await receiver();
    const { send, close } = httpSend();
    onTestFinished(close);
    const { port } = new URL(url);
    const to = (address: string, allowPrivate: boolean) =>
      send({ url: `http://${address}:${port}/`, headers: {}, body: "{}", allowPrivate }, new AbortController().signal);
    for (const address of ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]) {
      await expect(to(address, false)).rejects.toThrow(/no public address: nothing was sent/);
    }
    expect(received).toEqual([]);
    expect(await to("localhost", true)).toEqual({ status: 204 });
  });
});

test("secrets are told once, and wrong ones refused", async () => {
  const ledger = inMemory();
  const url = "https://example.com/hook";
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  expect(await ledger.webhooks.add({ url, secret })).toMatchObject({ secret });
  const made = await ledger.webhooks.add({ url });
  expect(made.secret).toMatch(/^whsec_.{40,}$/);
  const shown = JSON.stringify(await ledger.webhooks.list());
  expect(shown).not.toContain("whsec_");
  expect(JSON.stringify(await ledger.webhooks.remove(made.id))).not.toContain("whsec_");
  for (const wrong of ["", "abc", "whsec_c2hvcnQ=", `whsec_${"!".repeat(40)}`]) {
    const refusal = await ledger.webhooks.add({ url, secret: wrong }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "INVALID_INPUT" });
    if (wrong.length > 6) expect(String(refusal)).not.toContain(wrong.slice(6));
  }
  await ledger.webhooks.add({ url, dryRun: true });
  expect(await ledger.webhooks.list()).toHaveLength(1);
});
