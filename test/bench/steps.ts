import { evolveProject, initialProject } from "../../projections/project.ts";
import { COMMAND_INPUTS, validated } from "../../src/domain/commands.ts";
import { decide } from "../../src/domain/decide.ts";
import { streamOf } from "../../src/events/names.ts";
import { recorded } from "../../src/events/stored.ts";
import { compose, intentOf } from "../../src/ledger/compose.ts";
import { canonical, GENESIS_HASH, link } from "../../src/ledger/hash-chain.ts";
import { foldedEvent } from "../../src/ledger/project-cache.ts";
import { systemRuntime } from "../../src/runtime.ts";
import { historyOf, training } from "./fixtures.ts";
import { micros, note, report, spread } from "./measure.ts";

/** What does each step of a training cost on the process's own thread? (The insert is the rest of the group commit.) */
const RUNS = 5;
const TIMES = 20_000;

const runtime = systemRuntime();
const history = await historyOf("Digits", 100);
const state = initialProject();
const events = [];
for await (const stored of history.readStream(streamOf("Digits"))) events.push(recorded(stored));
for (const event of events) evolveProject(state, foldedEvent(event));
const folded = { project: "Digits", state, revision: BigInt(state.revision), position: undefined };
const input = training("Digits", 1);
const command = { type: "RecordTraining", ...validated(COMMAND_INPUTS.RecordTraining, input, "training") } as const;
const now = new Date().toISOString();
const outcome = decide(command, state, { now, modelId: runtime.newId(), deploymentId: runtime.newId(), defaults: {} });
if (!("events" in outcome)) throw new Error(outcome.refusal.message);
const facts = outcome.events;
const intent = intentOf(command, runtime, "bench");
const data = canonical(facts[0]?.data);
const folding = events.map(foldedEvent);
let at = 0;
let refolded = initialProject();
/** The next event of the history; from the beginning again after the last. */
function foldNext(): void {
  if (at === folding.length) {
    at = 0;
    refolded = initialProject();
  }
  const next = folding[at];
  if (next !== undefined) evolveProject(refolded, next);
  at += 1;
}

const steps: readonly (readonly [string, () => unknown])[] = [
  ["validation", () => validated(COMMAND_INPUTS.RecordTraining, input, "training")],
  ["decision", () => decide(command, state, { now, modelId: "m", deploymentId: "d", defaults: {} })],
  ["ids (three)", () => [runtime.newId(), runtime.newId(), runtime.newId()]],
  ["canonical JSON and metadata", () => compose(facts, intent, folded, now)],
  ["of that, SHA-256", () => link(GENESIS_HASH, "ModelTrained", data, data)],
  ["fold", foldNext],
];
for (const [name, step] of steps) {
  const costs: number[] = [];
  for (let run = 0; run < RUNS + 1; run++) {
    const start = performance.now();
    for (let index = 0; index < TIMES; index++) step();
    costs.push((performance.now() - start) / TIMES);
  }
  costs.shift();
  const inMicros = costs.map((ms) => ms * 1_000);
  report({
    question: `step of a training: ${name}`,
    ours: micros(spread(costs).median),
    peer: "none",
    ...spread(inMicros),
    unit: "µs",
    target: undefined,
  });
}
note(`${facts.length} event(s) a training here`);
