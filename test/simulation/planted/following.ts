import type { Mutation } from "../mutations.ts";

const FOLLOW = "src/ledger/follow.ts";
const READER = "src/subscriptions/reader.ts";

/** Bugs in hearing of what happens. */
export const FOLLOWING: readonly Mutation[] = [
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
    find: "const error = await this.#try(event, number, stop);\n      if (stop.aborted && error) return undefined;",
    replace:
      "await this.#lease.save((state) => finishedAt(state, position, 1));\n      const error = await this.#try(event, number, stop);\n      if (stop.aborted && error) return undefined;",
  },
  {
    bug: "a renewal moves the checkpoint behind the event that is being handled",
    file: READER,
    find: "this.#idleAt = undefined;",
    replace: "this.#idleAt = event.position;",
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
    bug: "a subscription gives the event again after which it begins",
    file: "src/store/memory.ts",
    find: 'return after === "end" ? log.length : parsePosition(after);',
    replace: 'return after === "end" ? log.length : parsePosition(after) - 1;',
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
    find: "if (types === undefined || types.some((type) => type === stored.type)) yield recorded(stored);",
    replace:
      "if (types === undefined || types.some((type) => type === stored.type)) {\n      if (types === undefined || stored.revision > 0n) yield recorded(stored);\n    }",
  },
  {
    bug: "a subscription from the end begins at the start",
    file: "src/api/subscription.ts",
    find: "      after: from,",
    replace: '      after: from === "end" ? "start" : from,',
  },
];
