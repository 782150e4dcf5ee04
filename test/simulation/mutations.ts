/** A bug planted in a copy of the sources: each `find` stands there exactly once. */
export interface Mutation {
  readonly bug: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const COMMANDS = "src/ledger/command-path.ts";
const CACHE = "src/ledger/project-cache.ts";
const FOLLOW = "src/ledger/follow.ts";
const READER = "src/subscriptions/reader.ts";
const DECIDE = "src/domain/decide.ts";
const CANDIDATES = "src/domain/candidates.ts";
const PROJECT = "projections/project.ts";

/** What the simulation must find, one at a time. */
export const MUTATIONS: readonly Mutation[] = [
  {
    bug: "an append expects whatever revision is there",
    file: COMMANDS,
    find: "() =>\n      this.#parts.store.append(stream, events, expected)",
    replace:
      'async () =>\n      this.#parts.store.append(stream, events, await (async () => { for await (const last of this.#parts.store.readStream(stream, { direction: "backwards", maxCount: 1 })) return last.revision; return "no_stream" as const; })())',
  },
  {
    bug: "the cache is not refreshed after a conflict",
    file: COMMANDS,
    find: "folded = await cache.fresh(command.project);\n        isFresh = false;",
    replace: "isFresh = false;",
  },
  {
    bug: "a race that was lost to an event which cannot be read yet is passed on",
    file: COMMANDS,
    find: "if (intent.digest === undefined || error.details.actual !== String(expected)) continue;",
    replace: "if (intent.digest === undefined) continue;",
  },
  {
    bug: "a refusal is decided on a state that may be old",
    file: COMMANDS,
    find: "if (isFresh) return this.#withoutWriting",
    replace: "if (attempt > 0) return this.#withoutWriting",
  },
  {
    bug: "a repeated append is taken for a first one",
    file: COMMANDS,
    find: "if (intent.digest !== undefined && !(await this.#isInLog(events))) {",
    replace: "if (attempt < 0) {",
  },
  {
    bug: "an append without an answer is decided and sent again",
    file: COMMANDS,
    find: 'if (!(error instanceof LedgerError) || error.code !== "CONFLICT") throw error;',
    replace:
      'if (!(error instanceof LedgerError) || !["CONFLICT", "STORE_UNAVAILABLE"].includes(error.code)) throw error;',
  },
  {
    bug: "an append without an answer is acknowledged",
    file: COMMANDS,
    find: 'if (!(error instanceof LedgerError) || error.code !== "CONFLICT") throw error;',
    replace:
      'if (error instanceof LedgerError && error.code === "STORE_UNAVAILABLE") return { events, state: folded.state, revision: events.at(-1)?.revision ?? 0n, position: "" };\n        if (!(error instanceof LedgerError) || error.code !== "CONFLICT") throw error;',
  },
  {
    bug: "a commandId is taken for a repeat whatever it is used for",
    file: COMMANDS,
    find: "last === undefined || last.metadata.commandDigest !== intent.digest",
    replace: "last === undefined",
  },
  {
    bug: "a dry run writes",
    file: COMMANDS,
    find: "if (!canBeWritten(outcome) || command.dryRun) {",
    replace: "if (!canBeWritten(outcome)) {",
  },
  {
    bug: "recorded time follows a clock that goes back",
    file: COMMANDS,
    find: "return time > state.recordedAt ? time : state.recordedAt;",
    replace: 'return time > "" ? time : state.recordedAt;',
  },
  {
    bug: "the idempotency check looks at the last two commands only",
    file: PROJECT,
    find: "const REMEMBERED_COMMANDS = 10_000;",
    replace: "const REMEMBERED_COMMANDS = 1;",
  },
  {
    bug: "each event of an append is chained to the one before the append",
    file: "src/ledger/compose.ts",
    find: "previous = link(previous, fact.type",
    replace: "previous = link(state.hash, fact.type",
  },
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
    bug: "a follower gives up when its subscription fails",
    file: FOLLOW,
    find: 'if (!(error instanceof LedgerError && error.code === "STORE_UNAVAILABLE")) return;',
    replace: "if (error instanceof LedgerError) return;",
  },
  {
    bug: "a follower goes on at the end of the log instead of where it was",
    file: FOLLOW,
    find: 'after: this.#taken ?? "start",',
    replace: 'after: "end",',
  },
  {
    bug: "a follower counts an event as taken before it has taken it",
    file: FOLLOW,
    find: "await this.#take(stored);\n          this.#taken = stored.position;",
    replace: "this.#taken = stored.position;\n          await this.#take(stored);",
  },
  {
    bug: "a follower takes the deployments of every environment",
    file: FOLLOW,
    find: 'event.type !== "ModelDeployed" || event.data.environment !== this.environment',
    replace: 'event.type !== "ModelDeployed"',
  },
  {
    bug: "a checkpoint is saved before the event is handled",
    file: READER,
    find: "const error = await this.#try(event, number, stop);\n      if (stop.aborted && error) return;",
    replace:
      "await this.#lease.save((state) => finishedAt(state, position, 1));\n      const error = await this.#try(event, number, stop);\n      if (stop.aborted && error) return;",
  },
  {
    bug: "a renewal moves the checkpoint behind the event that is being handled",
    file: READER,
    find: "this.#idleAt = undefined;",
    replace: "this.#idleAt = position;",
  },
  {
    bug: "an event whose handler fails counts as handled",
    file: READER,
    find: "if (!error) {\n        await this.#lease.save",
    replace: "if (!error || number > 0) {\n        await this.#lease.save",
  },
  {
    bug: "a durable subscription without a checkpoint begins at the end",
    file: READER,
    find: 'after: checkpoint ?? "start",',
    replace: 'after: checkpoint ?? "end",',
  },
  {
    bug: "closing does not wait for the commands under way",
    file: "src/api/local-ledger.ts",
    find: "await this.#commandPath.settled();",
    replace: "",
  },
  {
    bug: "a subscription gives the event again after which it begins",
    file: "src/store/memory.ts",
    find: 'return after === "end" ? log.length : parsePosition(after);',
    replace: 'return after === "end" ? log.length : parsePosition(after) - 1;',
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
    bug: "a rollback looks at models instead of deployments",
    file: CANDIDATES,
    find: "const number = environment.recent[index] ?? 0;\n    const version = itemAt(environment.deployed, number - 1)?.version ?? 0;",
    replace:
      "const version = index - (environment.recent.length - 1) + activeVersion - 1;\n    if (version < 1) return undefined;\n    const number = environment.latestOf[version] ?? 1;",
  },
  {
    bug: "a deployment is numbered across environments",
    file: DECIDE,
    find: "number: (replaced?.number ?? 0) + 1,",
    replace: "number: Object.values(state.active.environments).reduce((sum, one) => sum + one.number, 0) + 1,",
  },
  {
    bug: "a version counts the models that are not retired",
    file: DECIDE,
    find: "const version = state.models.length + 1;",
    replace: "const version = state.everyone.count + 1;",
  },
  {
    bug: "an expected revision is not looked at",
    file: DECIDE,
    find: "if (expectedRevision === undefined || expectedRevision === actual) return undefined;",
    replace: "if (expectedRevision === undefined || expectedRevision === actual || project) return undefined;",
  },
  {
    bug: "a retired model goes on winning",
    file: PROJECT,
    find: "if (isRetired) disqualify(state, version, changed);\n  else qualify",
    replace: "if (!isRetired) qualify",
  },
  {
    bug: "among equal scores the one trained last wins after a new ranking",
    file: PROJECT,
    find: "const isFirst = best === null || isBetter(ranking.goal, score, best);",
    replace: "const isFirst = best === null || !isBetter(ranking.goal, best, score);",
  },
  {
    bug: "setting one field of a policy takes the others back",
    file: "src/domain/policy.ts",
    find: "const merged: Record<string, unknown> = { ...own };",
    replace: "const merged: Record<string, unknown> = {};",
  },
  {
    bug: "a gain is compared in binary fractions",
    file: "src/domain/automatic-deploy.ts",
    find: "!differenceExceeds(high, low, minImprovement)",
    replace: "!(high - low > minImprovement)",
  },
  {
    bug: "an automatic deploy goes into production whatever the policy names",
    file: DECIDE,
    find: "environment: policy.environment,",
    replace: 'environment: "production",',
  },
  {
    bug: "a freeze with an end never ends",
    file: "src/domain/policy.ts",
    find: "(frozen.until === undefined || now < frozen.until)",
    replace: "(frozen.until === undefined || now !== frozen.until)",
  },
  {
    bug: "a freeze ends by another time than the one that is recorded",
    file: COMMANDS,
    find: "const outcome = this.#decide(command, folded, now);",
    replace: "const outcome = this.#decide(command, folded, new Date(this.#parts.runtime.now() - 50).toISOString());",
  },
  {
    bug: "null leaves a field of a policy as it is",
    file: "src/domain/policy.ts",
    find: "if (value === null) delete merged[field];",
    replace: "if (value === null) continue;",
  },
  {
    bug: "where a reason is wanted, promotions pass without one",
    file: DECIDE,
    find: '!policy.requireReason || command.type === "RecordTraining" ||',
    replace: '!policy.requireReason || command.type === "RecordTraining" || command.type === "Promote" ||',
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
  {
    bug: "a follower serves nothing while its subscription is away",
    file: FOLLOW,
    find: "await this.#pause(failures++);",
    replace:
      "const served = this.current;\n      this.current = undefined;\n      await this.#pause(failures++);\n      this.current = served;",
  },
  {
    bug: "a follower goes on after it was closed",
    file: FOLLOW,
    find: "this.#stop.abort();\n    await this.#done;\n    this.removeAllListeners();",
    replace: "",
  },
  {
    bug: "a follower serves the model before under the number of the latest deployment",
    file: FOLLOW,
    find: "this.current = activeModelOf(state, this.environment, deploymentFacts(foldedEvent(event)), this.#parts.defaults);",
    replace:
      "this.current = { ...activeModelOf(state, this.environment, deploymentFacts(foldedEvent(event)), this.#parts.defaults), ...(previous && { modelId: previous.modelId }) };",
  },
  {
    bug: "a subscription of some types leaves out a project's first event",
    file: "src/api/subscription.ts",
    find: "if (types === undefined || types.some((type) => type === stored.type)) yield read(stored);",
    replace:
      "if (types === undefined || types.some((type) => type === stored.type)) {\n      if (types === undefined || stored.revision > 0n) yield read(stored);\n    }",
  },
  {
    bug: "a subscription from the end begins at the start",
    file: "src/api/subscription.ts",
    find: "      after: from,",
    replace: '      after: from === "end" ? "start" : from,',
  },
];
