import { openLedger } from "../../src/index.ts";

/** Writes commands to one project until it has done its share or is killed; a line for each that was acknowledged. */
const [url = "", project = "", name = "", count = "0"] = process.argv.slice(2);
const ledger = await openLedger(url, { actor: name });
for (let index = 0; index < Number(count); index++) {
  const commandId = `${name}-${index}`;
  const { revision } =
    index % 2 === 0
      ? await ledger.recordTraining({
          project,
          task: "classification",
          algorithm: name,
          metrics: { f1: index / 1_000 },
          commandId,
        })
      : await ledger.deploy({ project, strategy: index % 4 === 1 ? "most_recent" : "best_score", commandId });
  process.stdout.write(`${commandId} ${revision}\n`);
}
await ledger.close();
