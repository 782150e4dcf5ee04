import { join } from "node:path";
import { openLedger } from "../../src/index.ts";
import { training } from "./fixtures.ts";
import { answersPerSecond, server, service } from "./http-load.ts";
import { inFolder, perSecond, report, spread } from "./measure.ts";

/**
 * How many `GET …/active` a second, against the same framework that answers with a constant? Two peers: one sends the
 * same answer, byte for byte but for the date and the request id, since headers have to be written by whoever sends
 * them; the other the same body and no header that was not the framework's idea.
 */
const RUNS = 5;
const LOAD = { connections: 32, seconds: 2 } as const;
/** A program that lives for months is measured once its code is compiled, which takes more seconds the more code it is. */
const WARM_UP = { ...LOAD, seconds: 8 } as const;
const path = "/v1/projects/Digits/active";
/** These each server writes by itself. */
const OF_THE_FRAMEWORK = new Set(["connection", "content-length", "date", "keep-alive"]);

await inFolder(async (folder) => {
  const store = `sqlite:${join(folder, "ledger.db")}`;
  await using ledger = await openLedger(store);
  for (let index = 0; index < 20; index++) await ledger.recordTraining(training("Digits", index));
  await using ours = await service(store);
  const answer = await fetch(ours.url + path);
  const body = await answer.text();
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !OF_THE_FRAMEWORK.has(name)));
  const script = join(import.meta.dirname, "http-constant.ts");
  await using same = await server(script, body, JSON.stringify(headers));
  await using bare = await server(script, body);
  const ask = ({ url }: { readonly url: string }, load: { connections: number; seconds: number } = LOAD) =>
    answersPerSecond(url, load, () => ({ method: "GET", path }));
  const rates = { ours: [] as number[], same: [] as number[], bare: [] as number[] };
  for (const one of [ours, same, bare]) await ask(one, WARM_UP);
  for (let run = 0; run < RUNS; run++) {
    rates.ours.push(await ask(ours));
    rates.same.push(await ask(same));
    rates.bare.push(await ask(bare));
  }
  for (const [peer, words] of [
    ["same", "the same answer"],
    ["bare", "the same body without its headers"],
  ] as const) {
    report({
      question: `GET …/active, ${LOAD.connections} connections, the program as it is but for its limit on requests`,
      ours: perSecond(spread(rates.ours).median),
      peer: `bare fastify, ${words} as a constant: ${perSecond(spread(rates[peer]).median)}`,
      ...spread(rates.ours.map((own, run) => own / (rates[peer][run] ?? Number.NaN))),
      unit: "×",
      target: { atLeast: 0.7 },
    });
  }
});
