import { describe, expect, test } from "vitest";
import type { Ledger } from "../../src/api/ledger.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { LedgerError } from "../../src/errors.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { codeOf, onEveryLedger } from "./stores.ts";

const project = "Digits";
const task = "classification";
const train = (ledger: Ledger, f1: number, more: object = {}) =>
  ledger.recordTraining({ project, task, algorithm: "svm", metrics: { f1 }, ...more });

/** The project as a ledger without any memory reads it. */
const readAnew = async (store: EventStore) => new LocalLedger(store).project(project);

onEveryLedger((place) => {
  test("one commandId given at once in two places is done once, and both get the same answer", async () => {
    const here = place();
    const [one, two] = [await here.open(), await here.open()];
    await train(one, 0.5);
    for (const [ledger, round] of [
      [two, 1],
      [one, 2],
      [two, 3],
    ] as const) {
      await Promise.all([one.project(project), two.project(project)]); // both know the project's last event
      const command = { commandId: `job-${round}`, artifact: { uri: `s3://${round}` } };
      const [here1, there] = await Promise.all([
        train(one, 0.5 + round / 10, command),
        train(two, 0.5 + round / 10, command),
      ]);
      expect(there).toEqual(here1);
      await train(ledger, 0.1); // decided on what each of them now believes
    }
    expect(await one.verify()).toMatchObject({ ok: true });
    expect(await one.project(project)).toEqual(await two.project(project));
    expect((await one.project(project)).models).toBe(7);
    await Promise.all([one.close(), two.close()]);
  });

  test("every kind of command gives its first answer again, whatever happened since", async () => {
    const here = place();
    const ledger = await here.open({ actor: "ci" });
    const commands: (() => Promise<unknown>)[] = [
      () => ledger.setPolicy({ project, policy: { minImprovement: 0.01 }, commandId: "policy" }),
      () => train(ledger, 0.5, { commandId: "train" }),
      () => train(ledger, 0.1, { commandId: "kept", hyperparams: { b: [1, { z: 1, a: 2 }], a: null } }),
      () => ledger.deploy({ project, model: 2, commandId: "deploy", reason: "try" }),
      () => ledger.rollback({ project, commandId: "rollback" }),
      () => ledger.promote({ project, from: "production", to: "staging", commandId: "promote" }),
      () => ledger.retireModel({ project, model: 1, commandId: "retire" }),
      () => ledger.reinstateModel({ project, model: 1, commandId: "reinstate" }),
    ];
    const first: unknown[] = [];
    for (const command of commands) first.push(await command());
    await ledger.deploy({ project, model: 2 });
    await ledger.deploy({ project, model: 2, environment: "staging" });
    await ledger.setPolicy({ project, policy: { metric: "loss", goal: "minimize" } });
    const events = (await ledger.verify()).events;
    for (const [index, command] of commands.entries()) expect(await command()).toEqual(first[index]);
    expect((await ledger.verify()).events).toBe(events);
    await ledger.close();
  });

  test("an input means the same with its defaults written out, and in another spelling", async () => {
    await using ledger = await place().open();
    const first = await ledger.recordTraining({
      project,
      task: "text-classification",
      algorithm: "a",
      metrics: { a: 1, f1: 0 },
      commandId: "t",
    });
    const same = {
      project: ` ${project} `,
      task: "text_classification",
      algorithm: "a",
      metrics: { f1: -0, a: 1 },
      commandId: "t",
    };
    expect(await ledger.recordTraining({ ...same, hyperparams: {}, automaticDeploy: true })).toEqual(first);
    expect(
      await ledger.recordTraining({ ...same, labels: undefined, reason: undefined, correlationId: "trace" }),
    ).toEqual(first);
    expect(await codeOf(ledger.recordTraining({ ...same, automaticDeploy: false }))).toBe("COMMAND_REUSED");
    expect(await codeOf(ledger.recordTraining({ ...same, metrics: { f1: 0 } }))).toBe("COMMAND_REUSED");
    expect(await codeOf(ledger.recordTraining({ ...same, reason: "another" }))).toBe("COMMAND_REUSED");
    const deployment = await ledger.deploy({ project, commandId: "d" });
    expect(
      await ledger.deploy({ project, strategy: "best_score", environment: "production", force: false, commandId: "d" }),
    ).toEqual(deployment);
    const back = await ledger.rollback({ project, toNumber: 1, commandId: "r" });
    expect(await ledger.deploy({ project, strategy: "rollback", toNumber: 1, commandId: "r" })).toEqual(back);
    expect(await codeOf(ledger.rollback({ project, commandId: "r" }))).toBe("COMMAND_REUSED");
  });

  test("a dry run does not use its commandId up", async () => {
    await using ledger = await place().open();
    await train(ledger, 0.5);
    await ledger.deploy({ project, dryRun: true, commandId: "x" });
    expect(await ledger.retireModel({ project, model: 1, commandId: "x" })).toMatchObject({ retired: true });
  });
});

describe("a store that answers wrongly or not at all", () => {
  type Append = EventStore["append"];
  /** A memory store whose next append goes through `meddle`. */
  function meddling() {
    const store = memoryEventStore();
    const meddlers: ((append: Append) => Append)[] = [];
    const wrapped: EventStore = {
      ...store,
      append: (...call) => {
        const meddle = meddlers.shift();
        return (meddle ? meddle(store.append) : store.append)(...call);
      },
    };
    return { store, wrapped, next: (meddle: (append: Append) => Append) => meddlers.push(meddle) };
  }
  const lost =
    (code: "STORE_UNAVAILABLE" | "CONFLICT") =>
    (append: Append) =>
    async (...call: Parameters<Append>) => {
      await append(...call);
      throw new LedgerError(code, "the answer was lost");
    };
  const refuses = () => async () => {
    throw new LedgerError("CONFLICT", "for no reason");
  };

  test("a command whose answer was lost can be given again under its id", async () => {
    const { store, wrapped, next } = meddling();
    const ledger = new LocalLedger(wrapped);
    await train(ledger, 0.5);
    next(lost("STORE_UNAVAILABLE"));
    expect(await codeOf(train(ledger, 0.6, { commandId: "x" }))).toBe("STORE_UNAVAILABLE");
    const again = await train(ledger, 0.6, { commandId: "x" });
    expect((await new LocalLedger(store).models(project))[1]?.modelId).toBe(again.modelId);
    await train(ledger, 0.7);
    expect(await ledger.verify()).toMatchObject({ ok: true, events: 6 });
    expect(await ledger.project(project)).toEqual(await readAnew(store));
  });

  test("an append that was written and called a conflict is not written twice under its id", async () => {
    const { wrapped, next } = meddling();
    const ledger = new LocalLedger(wrapped);
    await train(ledger, 0.5);
    next(lost("CONFLICT"));
    expect(await train(ledger, 0.6, { commandId: "x" })).toMatchObject({ version: 2, revision: 3n });
    expect(await ledger.verify()).toMatchObject({ ok: true, events: 4 });
  });

  test("a conflict for no reason is tried again", async () => {
    const { wrapped, next } = meddling();
    const ledger = new LocalLedger(wrapped);
    for (let times = 0; times < 3; times++) next(refuses);
    expect(await train(ledger, 0.5)).toMatchObject({ version: 1 });
  });

  test("a conflict without end ends in CONFLICT, with nothing written", async () => {
    const { wrapped, store } = meddling();
    const ledger = new LocalLedger({ ...wrapped, append: refuses() }, { runtime: hurried() });
    expect(await codeOf(train(ledger, 0.5))).toBe("CONFLICT");
    expect((await new LocalLedger(store).verify()).events).toBe(0);
  });

  test("a query that sees the winner first does not turn a lost race into a refusal", async () => {
    const { store, wrapped, next } = meddling();
    const other = new LocalLedger(store);
    const ledger = new LocalLedger(wrapped);
    await train(ledger, 0.5);
    next((append) => async (...call) => {
      await train(other, 0.6);
      await ledger.project(project); // brings the fold forward that the waiting command was decided on
      return append(...call);
    });
    expect(await ledger.deploy({ project })).toMatchObject({ version: 2, number: 3, revision: 4n });
    expect(await ledger.verify()).toMatchObject({ ok: true, events: 5 });
  });
});

test("a commandId from before the last 20,000 commands is still known, by the store's index", async () => {
  const store = memoryEventStore();
  const ledger = new LocalLedger(store);
  const first = await train(ledger, 0.5, { commandId: "0" });
  for (let index = 1; index <= 20_001; index++) await train(ledger, 0.1, { commandId: String(index) });
  expect(await train(ledger, 0.5, { commandId: "0" })).toEqual(first);
  expect(await codeOf(train(ledger, 0.4, { commandId: "0" }))).toBe("COMMAND_REUSED");
  expect(await codeOf(ledger.deploy({ project, model: 99_999, commandId: "0" }))).toBe("COMMAND_REUSED");
  expect(await train(new LocalLedger(store), 0.5, { commandId: "0" })).toEqual(first);
  // Within the last 10,000 the fold alone knows, whatever the store does.
  const forgetful = new LocalLedger({ ...store, findEvent: async () => undefined });
  expect(await train(forgetful, 0.1, { commandId: "10002" })).toMatchObject({ version: 10_003 });
  expect((await ledger.project(project)).models).toBe(20_002);
});

/** Timers that do not wait. */
function hurried() {
  let ids = 0;
  return {
    now: () => 0,
    newId: () => `00000000-0000-7000-8000-${String(++ids).padStart(12, "0")}`,
    random: () => 0,
    after: () => () => undefined,
    sleep: async () => undefined,
    actor: "test",
  };
}

test("a command that the store remembers and the log does not hold ends, and says why", {
  timeout: 20_000,
}, async () => {
  const store = memoryEventStore();
  const training = { project: "Digits", task: "classification", algorithm: "svm", metrics: { f1: 0.9 } } as const;
  await new LocalLedger(store).recordTraining(training);
  // As a store over a network whose server was put back to a backup while this process remembers what it wrote.
  const ledger = new LocalLedger({ ...store, append: async () => ({ revision: 2n, position: "0000000000000003" }) });
  const command = { project: "Digits", strategy: "most_recent", commandId: "c-1" } as const;
  await expect(ledger.deploy(command)).rejects.toMatchObject({
    code: "CORRUPT",
    message: expect.stringContaining("it has gone back since"),
  });
});
