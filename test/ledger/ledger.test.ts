import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Ledger } from "../../src/api/ledger.ts";
import { toJson } from "../../src/cli/output.ts";
import { systemRuntime } from "../../src/runtime.ts";
import { codeOf, eventsIn, onEveryLedger, onEveryStore } from "./stores.ts";

const project = "Digits";
const task = "classification";

const train = (ledger: Ledger, algorithm: string, f1: number, more: object = {}) =>
  ledger.recordTraining({ project, task, algorithm, metrics: { f1 }, ...more });

onEveryLedger((place) => {
  test("a training deploys itself, in the same append, and can be asked about", async () => {
    await using ledger = await place().open({ actor: "ci" });
    const first = await train(ledger, "svm", 0.9, { artifact: { uri: "s3://m/1" } });
    expect(first).toMatchObject({
      version: 1,
      deployed: true,
      revision: 1n,
      deployment: { number: 1, strategy: "new_score" },
    });
    const active = await ledger.activeModel(project);
    expect(active).toMatchObject({ version: 1, actor: "ci", score: 0.9, artifact: { uri: "s3://m/1" }, revision: 1n });
    const [deployment] = await ledger.deployments({ project });
    expect(deployment).toMatchObject({ number: 1, actor: "ci", position: first.position });
  });

  test("the same commandId gives the first answer again, also after a restart", async () => {
    const here = place();
    const first = await here.open();
    const command = {
      project,
      task,
      algorithm: "svm",
      metrics: { f1: 0.9, accuracy: 1 },
      commandId: "job-17",
    } as const;
    const once = await first.recordTraining(command);
    await train(first, "knn", 0.95);
    expect(await first.recordTraining({ ...command, actor: "somebody else" })).toEqual(once);
    await first.close();
    await using second = await here.open();
    const again = await second.recordTraining(command);
    expect(again).toEqual(once);
    expect(toJson(again)).toBe(toJson(once)); // to the letter
    expect(await eventsIn(second)).toBe(4);
    expect(await codeOf(second.recordTraining({ ...command, algorithm: "other" }))).toBe("COMMAND_REUSED");
    expect(await codeOf(second.deploy({ project, commandId: "job-17" }))).toBe("COMMAND_REUSED");
    await second.recordTraining({ ...command, project: "Other" }); // an id belongs to its project
    expect(await eventsIn(second)).toBe(6);
  });

  test("a revision may be given as it is, as a number, or as JSON has it", async () => {
    await using ledger = await place().open();
    const { revision } = await train(ledger, "svm", 0.9);
    const sent: { readonly revision: string } = JSON.parse(toJson({ revision }));
    for (const at of [1n, 1, sent.revision]) {
      expect(await ledger.activeModel(project, { at: { revision: at } })).toMatchObject({ version: 1 });
      expect(await ledger.deploy({ project, expectedRevision: at, dryRun: true })).toMatchObject({ revision });
    }
    const commandId = "job-17";
    const first = await ledger.deploy({ project, expectedRevision: sent.revision, commandId });
    expect(first.revision).toBe(2n);
    expect(await ledger.deploy({ project, expectedRevision: revision, commandId })).toEqual(first);
    expect(await codeOf(ledger.deploy({ project, expectedRevision: "1" }))).toBe("CONFLICT");
  });

  test("a refused command wrote nothing, and its id is free again", async () => {
    await using ledger = await place().open();
    expect(await codeOf(ledger.deploy({ project, commandId: "x" }))).toBe("PROJECT_NOT_FOUND");
    expect(await codeOf(ledger.recordTraining({ project, algorithm: "a", metrics: {} }))).toBe("TASK_REQUIRED");
    expect(await eventsIn(ledger)).toBe(0);
    await train(ledger, "svm", 0.9);
    expect(await ledger.deploy({ project, commandId: "x" })).toMatchObject({ number: 2 });
  });

  test("a dry run says all and writes nothing", async () => {
    await using ledger = await place().open();
    await train(ledger, "svm", 0.9);
    expect(await ledger.deploy({ project, dryRun: true })).toMatchObject({
      dryRun: true,
      number: 2,
      version: 1,
      revision: 1n,
    });
    expect(await codeOf(ledger.rollback({ project, dryRun: true }))).toBe("NO_PREVIOUS_DEPLOYMENT");
    expect(await train(ledger, "knn", 1, { dryRun: true })).toMatchObject({ version: 2, deployed: true });
    expect(await eventsIn(ledger)).toBe(2);
  });

  test("an expected revision that was overtaken is a CONFLICT that names the winner", async () => {
    await using ledger = await place().open();
    const { revision } = await train(ledger, "svm", 0.9);
    await train(ledger, "knn", 0.95, { expectedRevision: revision });
    const lost = ledger.deploy({ project, expectedRevision: revision });
    await expect(lost).rejects.toMatchObject({
      code: "CONFLICT",
      details: { expected: "1", actual: "3", winner: { number: 2, version: 2 } },
    });
    expect(await eventsIn(ledger)).toBe(4);
  });

  test("many ledgers race on one project: every command is in the log once, without gap", async () => {
    const here = place();
    const ledgers = await Promise.all([here.open(), here.open(), here.open()]);
    const [one] = ledgers;
    if (!one) throw new Error("no ledger");
    await train(one, "svm", 0.5);
    const commands = Array.from({ length: 60 }, (_, index) => {
      const ledger = ledgers[index % ledgers.length] ?? one;
      return index % 2 === 0
        ? train(ledger, "svm", index / 100, { commandId: `t${index}`, automaticDeploy: false })
        : ledger.deploy({ project, strategy: "most_recent", commandId: `d${index}` });
    });
    const results = await Promise.all(commands);
    expect(new Set(results.map(({ revision }) => revision)).size).toBe(60);
    expect((await one.models(project)).map(({ version }) => version)).toEqual(
      Array.from({ length: 31 }, (_, i) => i + 1),
    );
    const numbers = (await one.deployments({ project, order: "asc" })).map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: 31 }, (_, i) => i + 1));
    expect(await one.verify()).toMatchObject({ ok: true, events: 62 });
    for (const ledger of ledgers) await ledger.close();
  });

  test("every ledger sees at once what another one committed, and refuses on nothing stale", async () => {
    const here = place();
    const [one, two] = [await here.open(), await here.open()];
    await train(one, "svm", 0.5);
    expect((await two.activeModel(project))?.version).toBe(1);
    await train(two, "knn", 0.6);
    expect((await one.activeModel(project))?.version).toBe(2);
    await train(two, "tree", 0.1);
    expect(await one.deploy({ project, model: 3 })).toMatchObject({ version: 3 }); // one had not read version 3 yet
    await Promise.all([one.close(), two.close()]);
  });

  test("a long project starts from a snapshot and reads only its tail", async () => {
    const here = place();
    const writer = await here.open();
    for (let index = 0; index < 1_300; index++)
      await train(writer, "svm", index / 2_000, { automaticDeploy: index % 2 === 0 });
    const before = await writer.project(project);
    await writer.close();
    const store = await here.store();
    let read = 0;
    const { LocalLedger } = await import("../../src/api/local-ledger.ts");
    const counting = new LocalLedger({
      ...store,
      async *readStream(...args: Parameters<typeof store.readStream>) {
        for await (const event of store.readStream(...args)) {
          read += 1;
          yield event;
        }
      },
    });
    expect(await counting.project(project)).toEqual(before);
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(1_200);
    expect(await counting.rollback({ project })).toMatchObject({ number: before.deployments + 1 });
    await counting.close();
  });

  test("a small cache changes no answer", async () => {
    await using ledger = await place().open({ maxCached: 2 });
    const names = ["a", "b", "c", "d", "e"];
    for (const name of [...names, ...names]) {
      await ledger.recordTraining({ project: name, task, algorithm: "svm", metrics: { f1: 0.5 } });
    }
    for (const name of names) expect(await ledger.project(name)).toMatchObject({ models: 2, deployments: 1 });
    expect((await ledger.projects()).map((one) => one.project)).toEqual(names);
  });

  test("as of a revision, a position and a time: what happened at that very moment counts", async () => {
    let now = Date.UTC(2026, 0, 1);
    await using ledger = await place().open({ runtime: { ...systemRuntime(), now: () => now } });
    const first = await train(ledger, "svm", 0.5);
    now += 10_000;
    const second = await train(ledger, "knn", 0.6);
    now -= 60_000; // the clock goes back; the ledger does not
    await ledger.rollback({ project });
    const at = async (moment: Parameters<Ledger["activeModel"]>[1]) =>
      (await ledger.activeModel(project, moment))?.version;
    expect(await at({ at: { revision: 0 } })).toBeUndefined();
    expect(await at({ at: { revision: 1 } })).toBe(1);
    expect(await at({ at: { revision: 3n } })).toBe(2);
    expect(await at({ at: { position: first.position ?? "" } })).toBe(1);
    expect(await at({ at: { position: second.position ?? "" } })).toBe(2);
    expect(await at({ at: new Date("2025-12-31T23:59:59.999Z") })).toBeUndefined();
    expect(await at({ at: new Date("2026-01-01T00:00:00.000Z") })).toBe(1);
    expect(await at({ at: new Date("2026-01-01T00:00:09.999Z") })).toBe(1);
    expect(await at({ at: "2026-01-01T00:00:10Z" })).toBe(1); // the rollback was recorded in the same millisecond
    const stretches = await ledger.timeline(project);
    expect(stretches.map(({ activeFrom, activeTo }) => [activeFrom.slice(17, 19), activeTo?.slice(17, 19)])).toEqual([
      ["00", "10"],
      ["10", "10"],
      ["10", undefined],
    ]);
  });

  test("a subscription gives history, then live, in order; a follower is always current", async () => {
    const here = place();
    const [one, two] = [await here.open(), await here.open()];
    await train(one, "svm", 0.5);
    const follower = await two.follow(project);
    const changes: number[] = [];
    follower.on("change", (current) => changes.push(current.version));
    const stop = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { type, revision } of two.subscribe({ project, signal: stop.signal })) {
        seen.push(`${revision} ${type}`);
        if (seen.length === 6) stop.abort();
      }
    })();
    await train(one, "knn", 0.6);
    await one.rollback({ project });
    await one.deploy({ project });
    await reading;
    expect(seen.map((line) => line.split(" ")[0])).toEqual(["0", "1", "2", "3", "4", "5"]);
    for (let patience = 0; changes.length < 3 && patience < 200; patience++) await delay(10);
    expect(changes).toEqual([2, 1, 2]);
    expect(follower.current).toEqual(await one.activeModel(project));
    await Promise.all([one.close(), two.close()]);
  });

  test("explains a deployment in a sentence, with what else there was", async () => {
    await using ledger = await place().open({ actor: "ann" });
    await train(ledger, "svm", 0.9);
    await train(ledger, "knn", 0.8);
    await ledger.deploy({ project, strategy: "most_recent", reason: "try it" });
    await ledger.deploy({ project, reason: "it was worse" });
    const { sentence, candidates, replaced } = await ledger.explain({ project, number: 3 });
    expect(sentence).toMatch(
      /ann made version 1 \(svm\) of "Digits" active in production, as deployment 3, because it has the best f1 \(0.9\) of 2 qualified models; it replaced version 2 .*“it was worse”/,
    );
    expect(candidates).toMatchObject({ count: 2, others: [{ version: 2, score: 0.8 }] });
    expect(replaced).toMatchObject({ number: 2, version: 2 });
    expect(await codeOf(ledger.explain({ project, number: 9 }))).toBe("DEPLOYMENT_NOT_FOUND");
  });

  test("closing finishes what is under way, then refuses", async () => {
    const here = place();
    const ledger = await here.open();
    const commands = Array.from({ length: 20 }, (_, index) => train(ledger, "svm", index / 100));
    await ledger.close();
    expect(await Promise.all(commands)).toHaveLength(20);
    await using again = await here.open();
    expect((await again.project(project)).models).toBe(20);
  });
});

onEveryStore((place) => {
  test("what is handed out cannot change the ledger's own state", async () => {
    await using ledger = await place().open();
    await train(ledger, "svm", 0.5);
    const active = await ledger.activeModel(project);
    expect(() => Object.assign(active?.metrics ?? {}, { f1: 1 })).toThrow(TypeError);
    expect((await ledger.activeModel(project))?.score).toBe(0.5);
  });
});
