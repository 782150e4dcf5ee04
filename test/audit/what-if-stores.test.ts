import { expect, test } from "vitest";
import { onEveryStore } from "../ledger/stores.ts";

const project = "Digits";

onEveryStore((place) => {
  test("a rule that changes nothing finds every deployment as it was, promotions and rollbacks too", async () => {
    const ledger = await place().open();
    for (const f1 of [0.5, 0.7, 0.6, 0.9]) {
      await ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1 } });
    }
    await ledger.promote({ project, from: "production", to: "staging" });
    await ledger.rollback({ project, steps: 2 });
    await ledger.retireModel({ project, model: 2 });
    await ledger.rollback({ project, toNumber: 1 });
    await ledger.deploy({ project, strategy: "most_recent", environment: "staging" });
    await ledger.reinstateModel({ project, model: 2 });
    await ledger.deploy({ project, algorithm: "svm" });
    await ledger.setPolicy({ project, policy: { environment: "staging" } });
    await ledger.recordTraining({ project, algorithm: "svm", metrics: { f1: 0.95 } });
    const { rows, environments } = await ledger.whatIf(project, { policy: { minImprovement: 0 } });
    expect(rows).toHaveLength(await ledger.deployments({ project }).then((all) => all.length));
    expect(rows.filter((row) => row.differs)).toEqual([]);
    expect(environments.map(({ environment, differsMs }) => [environment, differsMs])).toEqual([
      ["production", 0],
      ["staging", 0],
    ]);
    await ledger.close();
  });
});
