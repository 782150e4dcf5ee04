import { hash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { evolveProject, initialProject } from "../../projections/project.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { recorded } from "../../src/events/stored.ts";
import { generateKeys, type Ledger, verifyProof } from "../../src/index.ts";
import { packed } from "../../src/ledger/packed-project.ts";
import { foldedEvent } from "../../src/ledger/project-cache.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { codeOf, onEveryStore } from "../ledger/stores.ts";

const { privateKey: key, publicKey } = generateKeys("example.com/ledger");
const stranger = generateKeys("example.com/ledger");

async function fill(ledger: Ledger): Promise<void> {
  for (const f1 of [0.1, 0.2, 0.3]) {
    for (const project of ["A", "B “é”"]) {
      await ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1 } });
    }
  }
  await ledger.rollback({ project: "A", reason: 'one\nline, "quoted" ☃' });
}

onEveryStore((place) => {
  test("a deployment's place in the log is proved to whoever has the public key, and nothing else", async () => {
    await using ledger = await place().open();
    await fill(ledger);
    for (const number of [1, 2, 3, 4]) {
      const proof = await ledger.proveInclusion({ project: "A", number, key });
      const { deployment } = await ledger.explain({ project: "A", number });
      expect(verifyProof(proof, publicKey)).toMatchObject({
        ok: true,
        kind: "inclusion",
        origin: "example.com/ledger",
        size: 13,
        event: { stream: "modelLedger-A", revision: String(deployment.revision), data: { number } },
      });
      expect(verifyProof(proof, stranger.publicKey)).toMatchObject({
        ok: false,
        why: expect.stringMatching(/not signed by/),
      });
    }
    expect(await codeOf(ledger.proveInclusion({ project: "A", number: 9, key }))).toBe("DEPLOYMENT_NOT_FOUND");
    expect(await codeOf(ledger.proveInclusion({ project: "A", number: 1, key: publicKey }))).toBe("INVALID_INPUT");
  });

  test("a later checkpoint is proved to go on from an older one, and a history written anew is not", async () => {
    await using ledger = await place().open();
    const notes: string[] = [(await ledger.checkpoint({ key })).checkpoint];
    for (let more = 0; more < 3; more++) {
      await fill(ledger);
      notes.push((await ledger.checkpoint({ key })).checkpoint);
    }
    const size = (note: string) => Number(note.split("\n")[1]);
    for (const [from, older] of notes.entries()) {
      for (const newer of notes.slice(from)) {
        const proof = await ledger.proveConsistency({ older, newer });
        expect(verifyProof(proof, publicKey)).toMatchObject({
          ok: true,
          kind: "consistency",
          olderSize: size(older),
          size: size(newer),
        });
      }
    }
    const [, older = "", newer = ""] = notes;
    expect(await codeOf(ledger.proveConsistency({ older: newer, newer: older }))).toBe("INVALID_INPUT");
    expect(await codeOf(ledger.proveConsistency({ older: "hello", newer }))).toBe("INVALID_INPUT");
    await using other = await place().open();
    await fill(other);
    await fill(other);
    const forged = (await other.checkpoint({ key })).checkpoint;
    expect(await codeOf(ledger.proveConsistency({ older, newer: forged }))).toBe("CORRUPT");
    const proof = JSON.parse(await ledger.proveConsistency({ older, newer })) as object;
    expect(verifyProof(`${JSON.stringify({ ...proof, newer: forged }, null, 2)}\n`, publicKey).ok).toBe(false);
  });

  test("a receipt holds the event, its proof and what the ledger says of it", async () => {
    await using ledger = await place().open();
    await fill(ledger);
    const receipt = await ledger.receipt({ project: "A", number: 4, key });
    const checked = verifyProof(receipt, publicKey);
    expect(checked).toMatchObject({
      ok: true,
      kind: "receipt",
      size: 13,
      event: { type: "ModelDeployed", data: { number: 4, strategy: "rollback" } },
      explanation: { deployment: { number: 4, reason: 'one\nline, "quoted" ☃' }, replaced: { number: 3 } },
    });
    const { deployment } = await ledger.explain({ project: "A", number: 4 });
    const byId = await ledger.receipt({ project: "A", deploymentId: deployment.deploymentId, key });
    expect(byId).toBe(receipt); // Ed25519 signs the same text the same way
  });
});

test("callers without types are told what is wrong, in one kind of error", async () => {
  const { openLedger } = await import("../../src/index.ts");
  await using ledger = await openLedger("memory:");
  const nothing = undefined as never;
  const wrong = { project: "A", number: 1, key: 7 as never };
  for (const act of [
    () => ledger.receipt(nothing),
    () => ledger.receipt(wrong),
    () => ledger.proveInclusion(nothing),
    () => ledger.proveConsistency(nothing),
    () => ledger.checkpoint(nothing),
    () => ledger.import(nothing),
    () => ledger.import((async function* () {})() as never),
    () => ledger.whatIf("A", nothing),
    async () => verifyProof("{}", nothing),
    async () => generateKeys(nothing),
    () => ledger.verify({ checkpoint: nothing, publicKey }),
  ]) {
    expect(await codeOf(act()), String(act)).toBe("INVALID_INPUT");
  }
  expect(verifyProof(nothing, publicKey)).toMatchObject({ ok: false });
});

describe("a receipt", async () => {
  const { openLedger } = await import("../../src/index.ts");
  await using ledger = await openLedger("memory:", { actor: "ann" });
  await fill(ledger);
  const receipt = await ledger.receipt({ project: "A", number: 4, key });
  const another = await ledger.receipt({ project: "A", number: 3, key });

  test("is found out at any byte that was changed, removed or put in", () => {
    const bytes = Buffer.from(receipt);
    for (let at = 0; at < bytes.length; at += 1 + (at % 3)) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 7));
      expect(verifyProof(flipped.toString(), publicKey).ok, `byte ${at} changed`).toBe(false);
      if (at % 40 !== 0) continue;
      expect(verifyProof(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]).toString(), publicKey).ok).toBe(
        false,
      );
      expect(verifyProof(`${bytes.subarray(0, at)} ${bytes.subarray(at)}`, publicKey).ok).toBe(false);
    }
    expect(verifyProof(receipt, publicKey).ok).toBe(true);
  });

  test("does not pass with parts of another receipt", () => {
    const other = JSON.parse(another) as Record<string, unknown>;
    const mine = JSON.parse(receipt) as Record<string, unknown>;
    for (const field of ["event", "index", "path", "explanation", "seal"]) {
      const mixed = `${JSON.stringify({ ...mine, [field]: other[field] }, null, 2)}\n`;
      expect(verifyProof(mixed, publicKey).ok, field).toBe(false);
    }
    expect(verifyProof("", publicKey).ok).toBe(false);
    expect(verifyProof("{}", publicKey).ok).toBe(false);
  });
});

test("a receipt is explained from the log, whatever a snapshot says", async () => {
  const store = memoryEventStore();
  const asked = { project: "A", number: 2, key };
  const explained = async () => {
    const { explanation } = JSON.parse(await new LocalLedger(store).receipt(asked)) as { explanation: unknown };
    return explanation;
  };
  await fill(new LocalLedger(store));
  const truth = await explained();
  let state = initialProject();
  for await (const stored of store.readStream("modelLedger-A"))
    state = evolveProject(state, foldedEvent(recorded(stored)));
  state.past.policies.push({ revision: 0, policy: { frozen: { reason: "never happened" } } });
  await store.keep(`snapshot/project/${hash("sha256", "A", "hex")}`, packed(state));
  expect(await new LocalLedger(store).explain({ project: "A", number: 2 })).toHaveProperty("forced.freeze");
  expect(await explained()).toEqual(truth);
});
