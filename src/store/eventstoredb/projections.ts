import { EventStoreDBClient, type ProjectionDetails, type SingleNodeOptions } from "@eventstore/db-client";
import { pause, type Runtime } from "../../runtime.ts";
import type {
  PlannedProjection,
  ProjectionChange,
  ProjectionStatus,
  ServerProjections,
} from "../server-projections.ts";
import { connect } from "./connection.ts";
import { type EventStoreDbTarget, parseConnectionString } from "./connection-string.ts";
import { isPassing, NoAnswer } from "./errors.ts";
import { streamNames } from "./names.ts";
import { onlySystemProjections, projectionError, projectionFailure, projectionState } from "./projection-errors.ts";
import { projectionScripts } from "./projection-scripts.ts";
import { eventStoreDbReader } from "./reader.ts";
import { patience, pauseMs } from "./retry.ts";

/** The server's own projection that files each event under its category: ours read what it writes. */
const BY_CATEGORY = "$by_category";
const POLL_MS = 100;

class ProjectionsClient extends EventStoreDBClient {
  constructor({ settings, channelCredentials, credentials }: EventStoreDbTarget) {
    const asksLeader = { ...settings, nodePreference: "leader" };
    super(asksLeader as SingleNodeOptions, channelCredentials, credentials);
  }

  close(): void {
    this.getChannel().then(
      (channel) => channel.close(),
      () => undefined,
    );
  }
}

/**
 * The ledger's projections on an EventStoreDB server or cluster. Projections run on the leader, so it is asked.
 * @throws {LedgerError} INVALID_INPUT for a connection string that cannot be read.
 */
export async function eventStoreDbProjections(
  url: string,
  runtime: Runtime,
  { category = "modelLedger" }: { readonly category?: string } = {},
): Promise<ServerProjections> {
  const target = parseConnectionString(url);
  const { address, deadlineMs } = target;
  const scripts = await projectionScripts(category);
  const closing = new AbortController();
  const connection = connect(target, "leader", runtime);
  const reader = eventStoreDbReader(connection, target, streamNames(category), runtime, closing.signal);

  /** One call over a client of its own, bounded in time: the client's own deadline does not cover finding the leader. */
  function ask<Result>(call: (client: ProjectionsClient) => Promise<Result>): Promise<Result> {
    const client = new ProjectionsClient(target);
    return new Promise<Result>((resolve, reject) => {
      const stop = runtime.after(deadlineMs, () => reject(new NoAnswer(deadlineMs)));
      call(client)
        .then(resolve, reject)
        .finally(() => stop());
    }).finally(() => client.close());
  }

  /** Tries again what failed of something that passes: all of these calls may be carried out twice, or say that they were. */
  async function manage<Result>(name: string, call: (client: ProjectionsClient) => Promise<Result>): Promise<Result> {
    const { hasTime, end } = patience(deadlineMs, runtime);
    try {
      for (let failures = 0; ; failures++) {
        try {
          return await ask(call);
        } catch (error) {
          if (!isPassing(error) || !hasTime() || closing.signal.aborted) throw projectionError(error, name, address);
        }
        await pause(pauseMs(failures, runtime), runtime, closing.signal);
      }
    } finally {
      end();
    }
  }

  const options = { requiresLeader: true, deadline: deadlineMs };

  /** The client has no call for it; the server keeps each projection in a stream. */
  async function scriptOnServer(name: string): Promise<string | undefined> {
    const [last] = await reader.newest(`$projections-${name}`, 1);
    if (!last) return undefined;
    const definition = JSON.parse(Buffer.from(last.getData_asU8()).toString()) as ProjectionDefinition;
    return definition.deleting || definition.deleted ? undefined : definition.query;
  }

  const details = (name: string): Promise<ProjectionDetails> =>
    manage(name, (client) => client.getProjectionStatus(name, options));

  async function isThere(name: string): Promise<boolean> {
    return manage(name, async (client) => {
      try {
        await client.getProjectionStatus(name, options);
        return true;
      } catch (error) {
        const failure = projectionFailure(error);
        if (failure === "does not compile") return true; // and is there to be updated
        if (failure === "no such projection") return false;
        throw error;
      }
    });
  }

  async function planFor(name: string, after: string): Promise<PlannedProjection> {
    const before = (await isThere(name)) ? ((await scriptOnServer(name)) ?? "") : undefined;
    return { name, before, after, change: await changeFor(name, before, after) };
  }

  async function changeFor(name: string, before: string | undefined, after: string): Promise<ProjectionChange> {
    if (before === undefined) return "create";
    if (before !== after) return "update";
    const state = projectionState((await details(name)).projectionStatus);
    return state === "stopped" || state === "faulted" ? "start" : "none";
  }

  async function settled(name: string): Promise<ProjectionStatus> {
    const { hasTime, end } = patience(deadlineMs, runtime);
    try {
      for (;;) {
        const { projectionStatus, position, progress, stateReason } = await details(name);
        const state = projectionState(projectionStatus);
        const isUnderWay = state === "starting" || (state === "running" && progress < 0);
        if (!isUnderWay || !hasTime()) {
          const reason = state === "faulted" ? { reason: stateReason.replaceAll(/\s+/g, " ").trim() } : {};
          return { name, state, position, progressPercent: progress < 0 ? null : progress, ...reason };
        }
        await pause(POLL_MS, runtime, closing.signal);
      }
    } finally {
      end();
    }
  }

  return {
    address,
    async plan() {
      const byCategory = projectionState((await details(BY_CATEGORY)).projectionStatus);
      const plans: PlannedProjection[] = [];
      if (byCategory === "stopped" || byCategory === "faulted") {
        plans.push({ name: BY_CATEGORY, change: "start", before: "", after: "" });
      }
      for (const { name, script } of scripts) plans.push(await planFor(name, script));
      return plans;
    },
    async apply({ name, change, after }) {
      switch (change) {
        case "create":
          await manage(name, (client) => client.createProjection(name, after, options));
          break;
        case "update":
          // In this order: cut short anywhere, the script is still the old one, or its state is already thrown away.
          await manage(name, (client) => client.disableProjection(name, options));
          await manage(name, (client) => client.resetProjection(name, options));
          await manage(name, (client) => client.updateProjection(name, after, options));
          await manage(name, (client) => client.enableProjection(name, options));
          break;
        case "start":
          await manage(name, (client) => client.enableProjection(name, options));
          break;
        case "none":
          return;
      }
      const { state } = await settled(name);
      if (state === "stopped") throw onlySystemProjections(address, name);
    },
    async status() {
      return Promise.all(scripts.map(({ name }) => settled(name)));
    },
    async close() {
      closing.abort();
      connection.close();
    },
  };
}

/** What is read here of a `$ProjectionUpdated` event. */
interface ProjectionDefinition {
  readonly query: string;
  readonly deleting?: boolean;
  readonly deleted?: boolean;
}
