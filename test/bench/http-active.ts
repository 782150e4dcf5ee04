import { join } from "node:path";
import { openLedger } from "../../src/index.ts";
import { training } from "./fixtures.ts";
import { answersPerSecond, server, service } from "./http-load.ts";
import { inFolder, perSecond, report, spread } from "./measure.ts";

/** How many `GET …/active` a second, against the same framework that answers with the same text as a constant? */
const RUNS = 5;
const LOAD = { connections: 32, seconds: 2 } as const;
const path = "/v1/projects/Digits/active";

await inFolder(async (folder) => {
  const store = `sqlite:${join(folder, "ledger.db")}`;
  await using ledger = await openLedger(store);
  for (let index = 0; index < 20; index++) await ledger.recordTraining(training("Digits", index));
  await using ours = await service(store);
  const answer = await (await fetch(ours.url + path)).text();
  await using constant = await server(join(import.meta.dirname, "http-constant.ts"), answer);
  const rates = { ours: [] as number[], constant: [] as number[], ratio: [] as number[] };
  const ask = ({ url }: { readonly url: string }) => answersPerSecond(url, LOAD, () => ({ method: "GET", path }));
  await ask(ours);
  await ask(constant);
  for (let run = 0; run < RUNS; run++) {
    const own = await ask(ours);
    const peer = await ask(constant);
    rates.ours.push(own);
    rates.constant.push(peer);
    rates.ratio.push(own / peer);
  }
  report({
    question: `GET …/active, ${LOAD.connections} connections, the program as it is but for its limit on requests`,
    ours: perSecond(spread(rates.ours).median),
    peer: `bare fastify, the same answer as a constant: ${perSecond(spread(rates.constant).median)}`,
    ...spread(rates.ratio),
    unit: "×",
    target: { atLeast: 0.7 },
  });
});
