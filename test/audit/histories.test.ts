import fc from "fast-check";
import { expect, test } from "vitest";
import { leaderboard } from "../../projections/leaderboard.ts";
import { evolveProject, initialProject } from "../../projections/project.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { streamOf } from "../../src/events/names.ts";
import { recorded } from "../../src/events/stored.ts";
import { generateKeys, verifyExport, verifyProof } from "../../src/index.ts";
import { foldedEvent } from "../../src/ledger/project-cache.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { history, live } from "../projections/histories.ts";

/** Claims that hold for whatever happened in a ledger. */
const PROJECTS = ["A", "__proto__"] as const;
const { privateKey: key, publicKey } = generateKeys("example.com/ledger");

const inEveryHistory = (claim: (ledger: LocalLedger, store: ReturnType<typeof memoryEventStore>) => Promise<void>) =>
  fc.assert(
    fc.asyncProperty(history, async (steps) => {
      const store = memoryEventStore();
      const ledger = new LocalLedger(store);
      await live(ledger, steps, PROJECTS);
      await claim(ledger, store);
    }),
    { numRuns: 25 },
  );

test("a rule that changes nothing finds every deployment as it was", () =>
  inEveryHistory(async (ledger) => {
    for (const project of PROJECTS) {
      const { rows } = await ledger.whatIf(project, { policy: {} });
      const numbers = rows.map(({ environment, actual }) => `${environment} ${actual?.number}`);
      const deployed = await ledger.deployments({ project, order: "asc" });
      expect(numbers).toEqual(deployed.map(({ environment, number }) => `${environment} ${number}`));
      expect(rows.filter((row) => row.differs)).toEqual([]);
    }
  }));

test("what explanations tell from the fold is what the project was just before", () =>
  inEveryHistory(async (ledger, store) => {
    const project = PROJECTS[0];
    const before = initialProject();
    for await (const stored of store.readStream(streamOf(project))) {
      const event = recorded(stored);
      if (event.type === "ModelDeployed") {
        const { deploymentId, version, decision, algorithmFilter, strategy } = event.data;
        const { candidates, replaced, comparedWith } = await ledger.explain({ project, deploymentId });
        const active = before.active.environments[`=${event.data.environment}`];
        expect([replaced?.number, comparedWith?.version]).toEqual([active?.number, active?.version]);
        if (strategy === "best_score" || strategy === "most_recent") {
          const others = leaderboard(before, decision, algorithmFilter).filter((place) => place.version !== version);
          const told = candidates.others.map((other) => [other.version, other.score]);
          const scored = others.slice(0, 5).map((place) => [place.version, place.score]);
          expect(told.slice(0, scored.length)).toEqual(scored);
          expect(told).toHaveLength(Math.min(5, candidates.count - 1));
          expect(told.slice(scored.length).every(([, score]) => score === null)).toBe(true);
        }
      }
      evolveProject(before, foldedEvent(event));
    }
  }));

test("an export of it verifies and is restored, and its receipts hold", () =>
  inEveryHistory(async (ledger) => {
    const { checkpoint, size } = await ledger.checkpoint({ key });
    const lines: string[] = [];
    for await (const line of ledger.export()) lines.push(line);
    expect(await verifyExport(lines, { checkpoint, publicKey })).toMatchObject({ ok: true, events: size });
    const restored = new LocalLedger(memoryEventStore());
    const open = async function* () {
      yield* lines;
    };
    expect(await restored.import(open)).toMatchObject({ written: size });
    expect(await restored.verify({ checkpoint, publicKey })).toMatchObject({ ok: true });
    const [latest] = await restored.deployments({ project: PROJECTS[0], limit: 1 });
    if (latest === undefined) return;
    const { project, deploymentId } = latest;
    expect(verifyProof(await restored.receipt({ project, deploymentId, key }), publicKey)).toMatchObject({ ok: true });
  }));
