import { streamOf } from "../../src/events/names.ts";
import type { Ledger } from "../../src/index.ts";
import { formatPosition } from "../../src/store/position.ts";
import type { ProjectTruth } from "./history.ts";
import { EPOCH_MS, type Machine } from "./machine.ts";
import { ENVIRONMENTS } from "./steps.ts";
import { policyText } from "./truth.ts";
import type { World } from "./world.ts";

/** Whether an answer is right after so many events of the project. */
export type Holds = (truth: ProjectTruth, events: number) => boolean;

export interface Question {
  readonly what: string;
  readonly ask: (ledger: Ledger) => Promise<Holds>;
  /** When it is right to answer that there is no such thing. Default: while there is no such project. */
  readonly isAbsent?: Holds;
}

/** What is asked of a project, and how often. */
export const QUESTIONS = {
  active: 4,
  atRevision: 3,
  atPosition: 3,
  atTime: 3,
  timeline: 1,
  summary: 2,
  models: 1,
  leaderboard: 1,
  deployments: 1,
  explain: 1,
  verify: 1,
} as const;
export type QuestionKind = keyof typeof QUESTIONS;

/** Who asks: of a ledger in this life of a process. */
interface Asker {
  readonly world: World;
  readonly machine: Machine;
  /** When the deployments that it heard of were recorded: moments at which an answer changes. */
  readonly times: string[];
}

const sameList = <Value>(one: readonly Value[], other: readonly Value[]): boolean =>
  one.length === other.length && one.every((value, index) => value === other[index]);

/** Draws a question about a project; some of its answers are remembered, to be held against later ones. */
export function questionOf(kind: QuestionKind, project: string, { world, machine, times }: Asker): Question {
  const { random, scheduler } = machine;
  const { server, history } = world;
  const stream = streamOf(project);
  const head = server.headOf(stream);
  const environment = random.pick(ENVIRONMENTS);
  const known = (
    number: number | undefined,
    events: number | "now",
    until?: (truth: ProjectTruth) => number,
  ): Holds => {
    return (truth, now) => {
      const upTo = events === "now" ? now : Math.min(events, now);
      return truth.activeAt(environment, until ? Math.min(until(truth), now) : upTo)?.number === number;
    };
  };
  switch (kind) {
    case "active":
      return {
        what: `active in ${environment}`,
        ask: async (ledger) => {
          const active = await ledger.activeModel(project, { environment });
          if (active) times.push(active.recordedAt);
          return known(active?.number, "now");
        },
      };
    case "atRevision": {
      const revision = random.between(0, Math.max(0, head - 1));
      const what = `active in ${environment} at revision ${revision}`;
      const ask = (ledger: Ledger) => ledger.activeModel(project, { environment, at: { revision } });
      return {
        what,
        ask: async (ledger) => {
          const active = await history.settled.asked(`${project}: ${what}`, revision < head, ledger, ask);
          return known(active?.number, revision + 1);
        },
      };
    }
    case "atPosition": {
      const position = formatPosition(random.between(0, server.events));
      const what = `active in ${environment} at position ${position}`;
      const ask = (ledger: Ledger) => ledger.activeModel(project, { environment, at: { position } });
      return {
        what,
        ask: async (ledger) => {
          const active = await history.settled.asked(`${project}: ${what}`, true, ledger, ask);
          return known(active?.number, "now", (truth) => truth.eventsUntilPosition(position));
        },
      };
    }
    case "atTime": {
      const anyTime = EPOCH_MS + scheduler.nowMs * random.next();
      const heard = random.chance(0.7) && times.length > 0 ? Date.parse(random.pick(times)) : undefined;
      const time = new Date(Math.floor(heard ?? anyTime)).toISOString();
      const what = `active in ${environment} at ${time}`;
      const ask = (ledger: Ledger) => ledger.activeModel(project, { environment, at: new Date(time) });
      return {
        what,
        ask: async (ledger) => {
          const active = await history.settled.asked(`${project}: ${what}`, server.isBeyond(stream, time), ledger, ask);
          return known(active?.number, "now", (truth) => truth.eventsUntil(time));
        },
      };
    }
    case "timeline":
      return {
        what: `timeline of ${environment}`,
        ask: async (ledger) => {
          const stretches = await ledger.timeline(project, { environment });
          const numbers = stretches.map(({ deployment }) => `${environment} ${deployment.number}`);
          const tiles = stretches.every(
            ({ activeTo }, index) => activeTo === (stretches[index + 1]?.activeFrom ?? null),
          );
          return (truth, events) => {
            const there = truth.deploymentsAt(events).filter((one) => one.startsWith(`${environment} `));
            return tiles && sameList(numbers, there);
          };
        },
      };
    case "summary":
      return {
        what: "summary",
        ask: async (ledger) => {
          const { models, retired, deployments, revision, active, policy } = await ledger.project(project);
          return (truth, events) =>
            revision === BigInt(events) - 1n &&
            models === truth.modelsAt(events) &&
            retired === truth.retiredAt(events) &&
            deployments === truth.deploymentsAt(events).length &&
            // Before the first training there is no task to say what the default metric is.
            (policy.metric === null ? models === 0 : policyText(policy) === truth.policyAt(events)) &&
            active.every((one) => truth.activeAt(one.environment, events)?.number === one.number);
        },
      };
    case "models":
      return {
        what: "models",
        ask: async (ledger) => {
          const models = await ledger.models(project);
          const versions = models.map(({ version }) => version);
          const retired = models.filter(({ isRetired }) => isRetired).length;
          return (truth, events) =>
            sameList(
              versions,
              Array.from({ length: truth.modelsAt(events) }, (_, index) => index + 1),
            ) && retired === truth.retiredAt(events);
        },
      };
    case "leaderboard":
      return {
        what: "leaderboard",
        ask: async (ledger) => {
          const places = (await ledger.leaderboard(project)).map(({ version }) => version);
          return (truth, events) => sameList(places, truth.leadersAt(events));
        },
      };
    case "deployments":
      return {
        what: "deployments",
        ask: async (ledger) => {
          const rows = await ledger.deployments({ project });
          const numbers = rows.map((row) => `${row.environment} ${row.number}`).reverse();
          return (truth, events) => sameList(numbers, truth.deploymentsAt(events));
        },
      };
    case "explain": {
      const number = random.pick([1, 1, 2, 3, 5]);
      const what = `why number ${number} of ${environment}`;
      const ask = (ledger: Ledger) => ledger.explain({ project, environment, number });
      return {
        what,
        isAbsent: (truth, events) => (truth.activeAt(environment, events)?.number ?? 0) < number,
        ask: async (ledger) => {
          const { deployment } = await history.settled.asked(`${project}: ${what}`, true, ledger, ask);
          return (truth, events) => {
            for (let upTo = 0; upTo <= events; upTo++) {
              const active = truth.activeAt(environment, upTo);
              if (active?.number === number) return active.version === deployment.version;
            }
            return false;
          };
        },
      };
    }
    case "verify":
      return {
        what: "verify",
        ask: async (ledger) => {
          const { ok, events: verified } = await ledger.verify({ project });
          return (_, events) => ok && verified === events;
        },
      };
  }
}
