import type { Mutation } from "../mutations.ts";

const CACHE = "src/ledger/project-cache.ts";

/** Bugs in what is remembered of the log, and in what is answered from it. */
export const ANSWERING: readonly Mutation[] = [
  {
    bug: "an event that was folded already is folded again",
    file: CACHE,
    find: "if (event.revision !== entry.revision + 1n) continue;",
    replace: "",
  },
  {
    bug: "the cache never looks whether others have written",
    file: CACHE,
    find: "if (entry.seen !== this.#store.changeCount()) await this.#catchUp(entry);",
    replace: "",
  },
  {
    bug: "the change count is asked after the read that it stands for",
    file: CACHE,
    find: "entry.seen = seen;",
    replace: "entry.seen = seen === seen ? this.#store.changeCount() : seen;",
  },
  {
    bug: "a question is answered by a read that began before it was asked",
    file: CACHE,
    find: "return entry.queued;",
    replace: "void entry.queued.catch(() => undefined);\n    return entry.reading;",
  },
  {
    bug: "a load that fails also rejects a promise that nobody holds",
    file: CACHE,
    find: "const loading = this.#begin(project).finally(() => this.#loading.delete(project));",
    replace: "const loading = this.#begin(project);\n    void loading.finally(() => this.#loading.delete(project));",
  },
  {
    bug: "a question is answered by a load that began before it was asked",
    file: CACHE,
    find: "if (begun !== undefined) await this.#catchUp(entry);",
    replace: "",
  },
  {
    bug: "a snapshot is one event ahead of its state",
    file: "src/ledger/snapshots.ts",
    find: "return { state, revision, position: stored.position };",
    replace: "return { state, revision: revision + 1n, position: stored.position };",
  },
  {
    bug: "a snapshot is one event behind its state",
    file: "src/ledger/snapshots.ts",
    find: "return { state, revision, position: stored.position };",
    replace: "return { state, revision: revision - 1n, position: stored.position };",
  },
  {
    bug: "as-of a position leaves out the event that stands there",
    file: "src/audit/as-of.ts",
    find: "return position <= at.position;",
    replace: "return position < at.position;",
  },
  {
    bug: "as-of a time leaves out what was recorded in that millisecond",
    file: "src/audit/as-of.ts",
    find: "return deployment[clock] <= at.time;",
    replace: "return deployment[clock] < at.time;",
  },
  {
    bug: "the verifier of the whole log takes all projects for one chain",
    file: "src/audit/chain-check.ts",
    find: "const head = this.#heads.get(stream) ?? BEGINNING;",
    replace: "const head = [...this.#heads.values()].at(-1) ?? BEGINNING;",
  },
  {
    bug: "the verifier of the whole log leaves out the last event",
    file: "src/audit/verify.ts",
    find: "if (verification.firstBroken && project === undefined) return inItsStream(store, verification, options);",
    replace:
      "if (project === undefined && verification.ok) return { ...verification, events: Math.max(0, verification.events - 1) };",
  },
  {
    bug: "a checkpoint is held against the whole log, also what came after it",
    file: "src/audit/checkpoint-check.ts",
    find: "|| this.#tree.size >= this.#checkpoint.size) return;",
    replace: ") return;",
  },
  {
    bug: "the score of a past answer is by the metric of today",
    file: "src/ledger/active-model.ts",
    find: "score: score === undefined ?",
    replace: "score: score !== null ?",
  },
  {
    bug: "an explanation goes by the policy of today",
    file: "src/audit/project-past.ts",
    find: "return past.policies.findLast((set) => set.revision < revision)?.policy ?? {};",
    replace: "return past.policies.at(revision < 0 ? 0 : -1)?.policy ?? {};",
  },
  {
    bug: "an explanation looks at the models that are retired today",
    file: "src/audit/project-past.ts",
    find: "if (change.revision > revision) break;",
    replace: "",
  },
];
