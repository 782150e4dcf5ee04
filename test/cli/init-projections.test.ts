import { EventStoreDBClient, jsonEvent } from "@eventstore/db-client";
import { describe, expect, test, vi } from "vitest";
import { openLedger } from "../../src/open-ledger.ts";
import { onOwnEventStoreDb } from "../store/server.ts";
import { programIn } from "./program.ts";

const NAMES = ["active-models", "deployment-history", "leaderboard"].map((fold) => `modelLedger-${fold}`);

const objects = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);

const run = programIn();

onOwnEventStoreDb((server) => {
  const init = (...argv: readonly string[]) => run(["init-projections", "--store", server().url, ...argv]);
  const changes = async (...argv: readonly string[]) =>
    objects((await init("--json", ...argv)).stdout).flatMap(({ change }) => (change === undefined ? [] : [change]));

  describe("init-projections", () => {
    test("with --dry-run shows the difference and changes nothing", async () => {
      const dry = await init("--dry-run");
      expect(dry.code).toBe(0);
      for (const name of NAMES) {
        expect(dry.stdout).toContain(`${name}: create\n--- /dev/null\n+++ model-ledger/${name}\n@@`);
      }
      expect(dry.stdout).toMatch(/^\+.*function evolveActiveModels/m);
      expect(await changes("--dry-run")).toEqual(["create", "create", "create"]);
    });

    test("creates them, says how they fare, and the second time changes nothing", async () => {
      const first = await init();
      expect([first.code, first.stderr]).toEqual([0, ""]);
      for (const name of NAMES) expect(first.stdout).toMatch(new RegExp(`^${name} +create +running `, "m"));
      const second = await init("--json");
      const answers = objects(second.stdout);
      expect(answers.slice(0, 3)).toEqual(NAMES.map((name) => ({ name, change: "unchanged" })));
      expect(answers.slice(3).map(({ name, state }) => [name, state])).toEqual(NAMES.map((name) => [name, "running"]));
      expect(second.code).toBe(0);
    });

    test("replaces an older script, and what that made of the past", async () => {
      const client = EventStoreDBClient.connectionString(server().url);
      const [name = ""] = NAMES;
      const older = `fromCategory("modelLedger").foreachStream().when({ $any: () => ({ project: "wrong" }) }).outputState()`;
      await client.updateProjection(name, older);
      await using ledger = await openLedger(server().url);
      await ledger.recordTraining({ project: "P", task: "regression", algorithm: "a", metrics: { r2: 1 } });
      const state = () => client.getProjectionState<{ project: string }>(name, { partition: "modelLedger-P" });
      await vi.waitFor(async () => expect((await state()).project).toBe("wrong"), { timeout: 30_000 });

      const dry = await init("--dry-run");
      expect(dry.stdout).toContain(`--- server/${name}\n+++ model-ledger/${name}`);
      expect(dry.stdout).toContain(`-${older}`);
      expect(await changes()).toEqual(["update", "unchanged", "unchanged"]);
      await vi.waitFor(
        async () =>
          expect(await state()).toMatchObject({ project: "P", environments: { "=production": { version: 1 } } }),
        { timeout: 30_000 },
      );
      expect(await changes()).toEqual(["unchanged", "unchanged", "unchanged"]);
      await client.dispose();
    });

    test("starts what was stopped, the server's own category projection too", async () => {
      const client = EventStoreDBClient.connectionString(server().url);
      await client.disableProjection(NAMES[2] ?? "");
      await client.disableProjection("$by_category");
      expect(await changes()).toEqual(["start", "unchanged", "unchanged", "start"]);
      expect(await changes()).toEqual(["unchanged", "unchanged", "unchanged"]);
      await client.dispose();
    });

    test("ends with 3 and the server's reason when one is faulted", async () => {
      const client = EventStoreDBClient.connectionString(server().url);
      await client.appendToStream("modelLedger-stray", [jsonEvent({ type: "Stray", data: {} })]);
      await vi.waitFor(
        async () => {
          const { code, stderr } = await init();
          expect([code, stderr]).toEqual([3, expect.stringMatching(/is faulted: .*\$ce-modelLedger: \d+/)]);
        },
        { timeout: 30_000 },
      );
      await client.dispose();
    });
  });
});

for (const projections of ["None", "System"] as const) {
  onOwnEventStoreDb(
    (server) => {
      test(`init-projections on a server with --run-projections=${projections} says what to switch on`, async () => {
        const { code, stderr } = await run(["init-projections", "--store", server().url]);
        expect([code, stderr]).toEqual([3, expect.stringContaining("--run-projections=All")]);
      });
    },
    { projections },
  );
}

test("init-projections of a store without a server is wrong usage", async () => {
  for (const store of ["memory:", "sqlite:./a.db", "nonsense"]) {
    const { code, stderr } = await run(["init-projections", "--store", store]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("no server that runs projections")]);
  }
});

test("init-projections of a server that is not there ends with 3 in a bounded time, without the password", async () => {
  const store = "esdb://admin:secret@127.0.0.1:1?tls=false&defaultDeadline=1000";
  const { code, stderr } = await run(["init-projections", "--store", store]);
  expect([code, stderr]).toEqual([3, expect.stringContaining("esdb://127.0.0.1:1 cannot be reached")]);
  expect(stderr).not.toContain("secret");
});
