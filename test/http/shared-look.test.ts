import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import type { ServedLedger } from "../../src/api/served-ledger.ts";
import { httpApp } from "../../src/http/app.ts";
import { SharedLook } from "../../src/http/shared-look.ts";
import { openWithStore } from "../../src/open-ledger.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { serviceOn } from "./service.ts";

const training = { task: "classification", algorithm: "svm", metrics: { f1: 0.9 } } as const;

/** A ledger whose change count is what `count` returns. */
function counting(ledger: ServedLedger, count: () => number): ServedLedger {
  return new Proxy(ledger, {
    get(target, name) {
      if (name === "changeCount") return count;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("those who ask in one turn share a look that comes after all of them; the next turn has its own", async () => {
  let looks = 0;
  const ledger = new LocalLedger(memoryEventStore());
  const look = new SharedLook(() => counting(ledger, () => ++looks));
  const asked = () => new Promise<number>((resolve) => look.after(resolve));
  const first = Promise.all([asked(), asked(), Promise.resolve().then(asked)]);
  expect(looks).toBe(0);
  expect(await first).toEqual([1, 1, 1]);
  expect(await Promise.all([asked(), asked()])).toEqual([2, 2]);
});

test("who asks while others are told waits for another look", async () => {
  let looks = 0;
  const ledger = new LocalLedger(memoryEventStore());
  const look = new SharedLook(() => counting(ledger, () => ++looks));
  const told: number[] = [];
  await new Promise<void>((resolve) => {
    look.after((asOf) => {
      told.push(asOf);
      look.after((later) => {
        told.push(later);
        resolve();
      });
    });
    look.after((asOf) => void told.push(asOf));
  });
  expect(told).toEqual([1, 1, 2]);
});

test("a store that is not there is a count that equals nothing", async () => {
  const look = new SharedLook(() => {
    throw new Error("not there");
  });
  expect(await new Promise((resolve) => look.after(resolve))).toBeNaN();
});

test("many readers at once never see what was active before a commit that they knew of", {
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-look-"));
  const url = `sqlite:${join(folder, "ledger.db")}`;
  try {
    const { ledger } = await openWithStore(url);
    const other = (await openWithStore(url)).ledger;
    await other.recordTraining({ ...training, project: "Digits" });
    const app = await httpApp(ledger, { rate: false });
    const at = `${await app.listen({ port: 0 })}/v1/projects/Digits/active`;
    let committed = 1;
    let asked = 0;
    const writing = (async () => {
      while (committed < 150) {
        const { number } = await other.deploy({ project: "Digits", strategy: "most_recent" });
        committed = number ?? committed;
      }
    })();
    const readers = Array.from({ length: 16 }, async () => {
      while (committed < 150) {
        const known = committed;
        const { number } = (await (await fetch(at)).json()) as { readonly number: number };
        expect(number).toBeGreaterThanOrEqual(known);
        asked += 1;
      }
    });
    await Promise.all([writing, ...readers]);
    expect(asked).toBeGreaterThan(150);
    await app.close();
    await other.close();
    await ledger.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("requests that go on together keep their traces and their refusals to themselves", async () => {
  await using service = await serviceOn();
  for (let version = 1; version <= 61; version++) {
    await service.ledger.recordTraining({ ...training, project: "Digits" });
  }
  const traceOf = (version: number) => `00-${String(version).padStart(32, "0")}-b7ad6b7169203331-01`;
  // Without bodies, so that nothing comes between the look and the command; the first of all has a trace.
  const retire = (model: number, headers: Readonly<Record<string, string>>) =>
    service.ask("POST", `/v1/projects/Digits/models/${model}/retirement`, undefined, headers);
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, index) => {
      const version = index + 2;
      if (version % 3 === 0) return retire(1_000 + version, { traceparent: traceOf(version) });
      return retire(version, version % 3 === 2 ? { traceparent: traceOf(version) } : {});
    }),
  );
  for (const [index, { status }] of answers.entries()) {
    expect([index + 2, status]).toEqual([index + 2, (index + 2) % 3 === 0 ? 404 : 200]);
  }
  const lines = (await Array.fromAsync(service.ledger.export())).map((line) => JSON.parse(line));
  const versions = new Map<string, number>();
  for (const { type, data } of lines) if (type === "ModelTrained") versions.set(data.modelId, data.version);
  const retired = lines.filter(({ type }) => type === "ModelRetired");
  expect(retired).toHaveLength(40);
  for (const { data, metadata } of retired) {
    const version = versions.get(data.modelId) ?? Number.NaN;
    expect([version, metadata.traceparent]).toEqual([version, version % 3 === 2 ? traceOf(version) : undefined]);
  }
});
