import type { Mutation } from "../mutations.ts";

const COMMANDS = "src/ledger/command-path.ts";

/** Bugs on the way from a command to the log. */
export const WRITING: readonly Mutation[] = [
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
    bug: "each event of an append is chained to the one before the append",
    file: "src/ledger/compose.ts",
    find: "previous = link(previous, fact.type",
    replace: "previous = link(state.hash, fact.type",
  },
  {
    bug: "closing does not wait for the commands under way",
    file: "src/api/local-ledger.ts",
    find: "await this.#commandPath.settled();",
    replace: "",
  },
  {
    bug: "a freeze ends by another time than the one that is recorded",
    file: COMMANDS,
    find: "const outcome = this.#decide(command, folded, now);",
    replace: "const outcome = this.#decide(command, folded, new Date(this.#parts.runtime.now() - 50).toISOString());",
  },
];
