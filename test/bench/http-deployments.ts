import { join } from "node:path";
import { openLedger } from "../../src/index.ts";
import { training } from "./fixtures.ts";
import { answersPerSecond, service } from "./http-load.ts";
import { inFlight, inFolder, perSecond, rate, report, spread } from "./measure.ts";

/** How many `POST …/deployments` a second at 64 connections, against the library with 64 calls in flight? */
const RUNS = 5;
const CONNECTIONS = 64;
const SECONDS = 2;
const COUNT = 4_000;

async function measure(projects: number, spreadOver: string): Promise<void> {
  await inFolder(async (folder) => {
    const name = (index: number) => `Digits ${index % projects}`;
    // Each has a file of its own: the other one's commits would have to be read.
    const [own, other] = ["own.db", "other.db"].map((file) => `sqlite:${join(folder, file)}`) as [string, string];
    await using ledger = await openLedger(other);
    {
      await using begun = await openLedger(own);
      for (let index = 0; index < projects * 4; index++) {
        for (const one of [ledger, begun]) await one.recordTraining(training(name(index), index));
      }
    }
    const library = () =>
      rate(COUNT, () =>
        inFlight(COUNT, CONNECTIONS, (index) => ledger.deploy({ project: name(index), strategy: "most_recent" })),
      );
    await using served = await service(own);
    const http = () =>
      answersPerSecond(served.url, { connections: CONNECTIONS, seconds: SECONDS }, (connection) => ({
        method: "POST",
        path: `/v1/projects/${encodeURIComponent(name(connection))}/deployments`,
        headers: { "content-type": "application/json" },
        body: '{"strategy":"most_recent"}',
      }));
    const rates = { ours: [] as number[], library: [] as number[], ratio: [] as number[] };
    await http();
    await library();
    for (let run = 0; run < RUNS; run++) {
      const served64 = await http();
      const called64 = await library();
      rates.ours.push(served64);
      rates.library.push(called64);
      rates.ratio.push(served64 / called64);
    }
    report({
      question: `POST …/deployments, ${CONNECTIONS} connections ${spreadOver}`,
      ours: perSecond(spread(rates.ours).median),
      peer: `the library, ${CONNECTIONS} in flight: ${perSecond(spread(rates.library).median)}`,
      ...spread(rates.ratio),
      unit: "×",
      target: { atLeast: 0.6 },
    });
  });
}

await measure(1, "on one project");
await measure(CONNECTIONS, "on a project each");
