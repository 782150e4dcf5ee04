import { LedgerError } from "../../src/errors.ts";
import { streamOf } from "../../src/events/names.ts";
import type { Ledger } from "../../src/index.ts";
import type { ProjectTruth } from "./history.ts";
import { EPOCH_MS, type Machine } from "./machine.ts";
import { ENVIRONMENTS } from "./steps.ts";
import { isExcused } from "./watchers.ts";
import type { World } from "./world.ts";

type Holds = (truth: ProjectTruth, events: number) => boolean;
interface Question {
  readonly what: string;
  readonly ask: (ledger: Ledger, project: string) => Promise<Holds>;
  /** When it is right to answer that there is no such thing. Default: while there is no such project. */
  readonly isAbsent?: Holds;
}

const QUESTIONS = {
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

/** An auditor asks so often in a life. */
const MAX_QUESTIONS = 25;

const sameList = <Value>(one: readonly Value[], other: readonly Value[]): boolean =>
  one.length === other.length && one.every((value, index) => value === other[index]);

/** Asks what an auditor asks; that the answers were right at some moment between question and answer is checked later. */
export class Auditor {
  readonly #world: World;
  readonly #machine: Machine;
  /** When the deployments that it heard of were recorded: moments at which an answer changes. */
  readonly #times: string[] = [];

  constructor(world: World, machine: Machine) {
    this.#world = world;
    this.#machine = machine;
  }

  async run(ledger: Ledger): Promise<void> {
    const { random } = this.#machine;
    for (let left = MAX_QUESTIONS; left > 0; left--) {
      await this.#machine.sleep(random.logUniform(5, 60_000));
      if (this.#world.faults.isOver) return;
      await this.question(ledger, random.pick(this.#world.projects), random.weighted(QUESTIONS));
    }
  }

  /** Every question once, for the end of the world. */
  async everything(ledger: Ledger): Promise<void> {
    for (const project of this.#world.projects) {
      for (const kind of Object.keys(QUESTIONS) as (keyof typeof QUESTIONS)[])
        await this.question(ledger, project, kind);
    }
  }

  async question(ledger: Ledger, project: string, kind: keyof typeof QUESTIONS): Promise<void> {
    const { server, history } = this.#world;
    const stream = streamOf(project);
    const { what, ask, isAbsent = (_, events) => events === 0 } = this.#questionOf(kind, server.headOf(stream));
    const from = server.headOf(stream);
    try {
      const holds = await ask(ledger, project);
      const to = server.headOf(stream);
      this.#world.say(`${this.#machine.name}/audit`, () => `asked ${project}: ${what}`);
      history.observations.push({ what, project, from, to, holds });
    } catch (error) {
      if (isExcused(error)) return;
      const isUnknown = error instanceof LedgerError && /NOT_FOUND$/.test(error.code);
      if (!isUnknown) {
        this.#world.wrong(`asked ${project}: ${what}, and got ${error instanceof Error ? error.stack : String(error)}`);
        return;
      }
      history.observations.push({
        what: `${what} is not found`,
        project,
        from,
        to: server.headOf(stream),
        holds: isAbsent,
      });
    }
  }

  #questionOf(kind: keyof typeof QUESTIONS, head: number): Question {
    const { random, scheduler } = this.#machine;
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
          ask: async (ledger, project) => {
            const active = await ledger.activeModel(project, { environment });
            if (active) this.#times.push(active.recordedAt);
            return known(active?.number, "now");
          },
        };
      case "atRevision": {
        const revision = random.between(0, Math.max(0, head - 1));
        return {
          what: `active in ${environment} at revision ${revision}`,
          ask: async (ledger, project) => {
            const active = await ledger.activeModel(project, { environment, at: { revision } });
            return known(active?.number, revision + 1);
          },
        };
      }
      case "atPosition": {
        const position = String(random.between(0, this.#world.server.events)).padStart(16, "0");
        return {
          what: `active in ${environment} at position ${position}`,
          ask: async (ledger, project) => {
            const active = await ledger.activeModel(project, { environment, at: { position } });
            return known(active?.number, "now", (truth) => truth.eventsUntilPosition(position));
          },
        };
      }
      case "atTime": {
        const anyTime = EPOCH_MS + scheduler.nowMs * random.next();
        const heard = random.chance(0.7) && this.#times.length > 0 ? Date.parse(random.pick(this.#times)) : undefined;
        const time = new Date(Math.floor(heard ?? anyTime));
        return {
          what: `active in ${environment} at ${time.toISOString()}`,
          ask: async (ledger, project) => {
            const active = await ledger.activeModel(project, { environment, at: time });
            return known(active?.number, "now", (truth) => truth.eventsUntil(time.toISOString()));
          },
        };
      }
      case "timeline":
        return {
          what: `timeline of ${environment}`,
          ask: async (ledger, project) => {
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
          ask: async (ledger, project) => {
            const { models, retired, deployments, revision, active } = await ledger.project(project);
            return (truth, events) =>
              revision === BigInt(events) - 1n &&
              models === truth.modelsAt(events) &&
              retired === truth.retiredAt(events) &&
              deployments === truth.deploymentsAt(events).length &&
              active.every((one) => truth.activeAt(one.environment, events)?.number === one.number);
          },
        };
      case "models":
        return {
          what: "models",
          ask: async (ledger, project) => {
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
          ask: async (ledger, project) => {
            const places = (await ledger.leaderboard(project)).map(({ version }) => version);
            return (truth, events) => sameList(places, truth.leadersAt(events));
          },
        };
      case "deployments":
        return {
          what: "deployments",
          ask: async (ledger, project) => {
            const rows = await ledger.deployments({ project });
            const numbers = rows.map((row) => `${row.environment} ${row.number}`).reverse();
            return (truth, events) => sameList(numbers, truth.deploymentsAt(events));
          },
        };
      case "explain":
        return {
          what: `why number 1 of ${environment}`,
          isAbsent: (truth, events) => truth.activeAt(environment, events) === undefined,
          ask: async (ledger, project) => {
            const { deployment } = await ledger.explain({ project, environment, number: 1 });
            return (truth, events) => {
              for (let upTo = 0; upTo <= events; upTo++) {
                const active = truth.activeAt(environment, upTo);
                if (active) return active.version === deployment.version;
              }
              return false;
            };
          },
        };
      case "verify":
        return {
          what: "verify",
          ask: async (ledger, project) => {
            const { ok, events: verified } = await ledger.verify({ project });
            return (_, events) => ok && verified === events;
          },
        };
    }
  }
}
