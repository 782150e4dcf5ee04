import { join } from "node:path";
import { evolveProject, initialProject } from "../../projections/project.ts";
import type { RecordedEvent } from "../../src/events/events.ts";
import { recorded } from "../../src/events/stored.ts";
import { foldedEvent } from "../../src/ledger/project-cache.ts";
import { systemRuntime } from "../../src/runtime.ts";
import { openStore } from "../../src/store/open-store.ts";
import { copyStream, historyOf } from "./fixtures.ts";
import { inFolder, note, perSecond, rate, report, spread } from "./measure.ts";

/** How fast are events folded in memory, and a ledger of a million events rebuilt from its file? */
const PROJECTS = 10;
const MODELS = 52_000;
const RUNS = 5;

await inFolder(async (folder) => {
  const url = `sqlite:${join(folder, "million.db")}`;
  const store = await openStore(url, systemRuntime());
  let count = 0;
  const events: RecordedEvent[] = [];
  for (let index = 0; index < PROJECTS; index++) {
    const stream = `modelLedger-Project ${index}`;
    const history = await historyOf(`Project ${index}`, MODELS);
    count += await copyStream(history, store, stream);
    if (index === 0) for await (const stored of history.readStream(stream)) events.push(recorded(stored));
  }
  note(`${count} events in ${PROJECTS} projects`);
  const folded = events.map(foldedEvent);
  const inMemory: number[] = [];
  for (let run = 0; run < RUNS + 1; run++) {
    inMemory.push(await rate(folded.length, () => folded.reduce(evolveProject, initialProject())));
  }
  inMemory.shift();
  report({
    question: "folding events that are in memory",
    ours: perSecond(spread(inMemory).median),
    peer: "none",
    ...spread(inMemory),
    unit: "/s",
    target: { atLeast: 1_000_000 },
  });
  const rebuilt: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    rebuilt.push(
      await rate(count, async () => {
        const states = new Map<string, ReturnType<typeof initialProject>>();
        for await (const stored of store.readAll()) {
          const state = states.get(stored.stream) ?? initialProject();
          states.set(stored.stream, evolveProject(state, foldedEvent(recorded(stored))));
        }
      }),
    );
  }
  report({
    question: `rebuilding a SQLite ledger of ${count.toLocaleString("en")} events (read, parse, fold)`,
    ours: perSecond(spread(rebuilt).median),
    peer: "none",
    ...spread(rebuilt),
    unit: "/s",
    target: { atLeast: 250_000 },
  });
  await store.close();
});
