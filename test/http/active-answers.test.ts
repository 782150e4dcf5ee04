import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import type { ServedLedger } from "../../src/api/served-ledger.ts";
import { ActiveAnswers } from "../../src/http/active-answers.ts";
import { httpApp } from "../../src/http/app.ts";
import { openWithStore } from "../../src/open-ledger.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { asking } from "./service.ts";

const training = { project: "Digits", task: "classification", algorithm: "svm", metrics: { f1: 0.9 } } as const;
const deployment = { project: "Digits", strategy: "most_recent" } as const;

test("what is active is answered from text that was kept, and never after anybody else's commit", async () => {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-active-"));
  const url = `sqlite:${join(folder, "ledger.db")}`;
  try {
    const { ledger } = await openWithStore(url);
    const other = (await openWithStore(url)).ledger;
    await using app = await httpApp(ledger);
    const ask = asking(app);
    await other.recordTraining(training);
    for (let number = 2; number < 12; number++) {
      await other.deploy(deployment);
      for (let times = 0; times < 3; times++) {
        const { body, headers } = await ask("GET", "/v1/projects/Digits/active");
        expect([body.number, headers.etag]).toEqual([number, `"${number}"`]);
      }
    }
    await other.recordTraining({ ...training, metrics: { f1: 0.1 } });
    const known = await ask("GET", "/v1/projects/Digits/active", undefined, { "if-none-match": '"11"' });
    expect([known.status, known.headers.etag]).toEqual([304, '"11"']);
    expect((await ask("GET", "/v1/projects/Digits/active")).headers.etag).toBe('"12"');
    await other.close();
    await ledger.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a revision whose answer was another one is no match, though those before and after it are", async () => {
  const ledger = new LocalLedger(memoryEventStore());
  await using app = await httpApp(ledger);
  const ask = asking(app);
  const statusOf = async (tag: string) =>
    (await ask("GET", "/v1/projects/Digits/active", undefined, { "if-none-match": tag })).status;
  await ledger.recordTraining({ ...training, metrics: { f1: 0.9, accuracy: 0.5 } });
  expect(await statusOf('"0"')).toBe(200);
  await ledger.setPolicy({ project: "Digits", policy: { metric: "accuracy", goal: "maximize" } });
  await ledger.setPolicy({ project: "Digits", policy: { metric: null, goal: null } });
  expect([await statusOf('"1"'), await statusOf('"2"'), await statusOf('"3"')]).toEqual([304, 200, 304]);
  await ledger.close();
});

test("long answers are kept as long as there is room for them", async () => {
  const ledger = new LocalLedger(memoryEventStore());
  await ledger.recordTraining(training);
  const { model, revision } = await ledger.activeAtRevision("Digits", {});
  if (!model) throw new Error("nothing is active");
  const algorithm = "x".repeat(2 ** 20);
  const lengthy = new Proxy<ServedLedger>(ledger, {
    get: () => async (project: string) => ({ model: { ...model, project, algorithm }, revision }),
  });
  const answers = new ActiveAnswers();
  const query = { environment: "production", by: "recordedAt" } as const;
  for (let n = 0; n < 40; n++) await answers.to(lengthy, `P${n}`, query, 1);
  const isKept = (project: string) => !(answers.to(lengthy, project, query, 1) instanceof Promise);
  expect([isKept("P39"), isKept("P20"), isKept("P0")]).toEqual([true, true, false]);
  await ledger.close();
});

test("what is committed while the ledger answers is seen by the next request", async () => {
  const ledger = new LocalLedger(memoryEventStore());
  await ledger.recordTraining(training);
  const slow = new Proxy<ServedLedger>(ledger, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name !== "activeAtRevision") return typeof value === "function" ? value.bind(target) : value;
      return async (...asked: Parameters<ServedLedger["activeAtRevision"]>) => {
        const answer = await target.activeAtRevision(...asked);
        if (answer.revision === 1n) await target.deploy(deployment);
        return answer;
      };
    },
  });
  await using app = await httpApp(slow);
  const ask = asking(app);
  expect((await ask("GET", "/v1/projects/Digits/active")).body.number).toBe(1);
  expect((await ask("GET", "/v1/projects/Digits/active")).body.number).toBe(2);
  await ledger.close();
});
