import { LedgerError } from "../../src/errors.ts";
import { streamOf } from "../../src/events/names.ts";
import type { Ledger } from "../../src/index.ts";
import { formatPosition } from "../../src/store/position.ts";
import type { ProjectTruth } from "./history.ts";
import { EPOCH_MS, type Machine } from "./machine.ts";
import { answerText, type Settled } from "./settled.ts";
import { ENVIRONMENTS } from "./steps.ts";
import { policyText } from "./truth.ts";
import { isExcused } from "./watchers.ts";
import type { World } from "./world.ts";

type Holds = (truth: ProjectTruth, events: number) => boolean;
const describeError = (error: unknown): string => (error instanceof Error && error.stack) || String(error);

interface Question {
  readonly what: string;
  readonly ask: (ledger: Ledger) => Promise<Holds>;
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

/** Questions that are not of one project. */
const WHOLE = { everywhere: 1, verifyAll: 1, again: 4 } as const;

const SHARE_OF_WHOLE = 0.25;

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
      if (random.chance(SHARE_OF_WHOLE)) await this.#askOfAll(ledger, random.weighted(WHOLE));
      else await this.ask(ledger, random.pick(this.#world.projects), random.weighted(QUESTIONS));
    }
  }

  /** Every question once, and all again that must be answered as before, for the end of the world. */
  async everything(ledger: Ledger): Promise<void> {
    for (const project of this.#world.projects) {
      for (const kind of Object.keys(QUESTIONS) as (keyof typeof QUESTIONS)[]) await this.ask(ledger, project, kind);
    }
    await this.#askOfAll(ledger, "everywhere");
    await this.#askOfAll(ledger, "verifyAll");
    for (const settled of this.#world.history.settled.all) await this.#askAgain(ledger, settled);
  }

  async #askOfAll(ledger: Ledger, kind: keyof typeof WHOLE): Promise<void> {
    const { history } = this.#world;
    switch (kind) {
      case "everywhere":
        return this.#askEverywhere(ledger);
      case "verifyAll":
        return this.#verifyAll(ledger);
      case "again":
        if (history.settled.all.length > 0)
          await this.#askAgain(ledger, this.#machine.random.pick(history.settled.all));
    }
  }

  /** What was active in every project and environment when the log ended at some position. */
  async #askEverywhere(ledger: Ledger): Promise<void> {
    const { server, history, projects } = this.#world;
    const position = formatPosition(this.#machine.random.between(0, server.events));
    const what = `active everywhere at position ${position}`;
    const ask = (asked: Ledger) => asked.activeModels({ at: { position } }).toArray();
    const rows = await this.#unlessExcused(what, () => this.#asked(what, true, ledger, ask));
    if (rows === undefined) return;
    for (const project of projects) {
      const told = rows.filter((row) => row.project === project);
      const head = server.headOf(streamOf(project));
      const holds: Holds = (truth) =>
        ENVIRONMENTS.every((environment) => {
          const number = told.find((row) => row.environment === environment)?.number;
          return truth.activeAt(environment, truth.eventsUntilPosition(position))?.number === number;
        });
      history.observations.push({ what, project, from: head, to: head, holds });
    }
  }

  async #verifyAll(ledger: Ledger): Promise<void> {
    const { server } = this.#world;
    const from = server.events;
    const verification = await this.#unlessExcused("to verify the whole log", () => ledger.verify());
    if (verification === undefined) return;
    const { ok, events, firstBroken } = verification;
    this.#say(`the whole log verifies: ${ok}`);
    if (!ok || events < from || events > server.events) {
      const found = ok ? `${events} events` : `a break at ${firstBroken?.stream}@${firstBroken?.revision}`;
      this.#world.wrong(`verifying the whole log of ${from} to ${server.events} events found ${found}`);
    }
  }

  /** As-of answers never change once given for a moment that is over. */
  async #askAgain(ledger: Ledger, { what, ask, told }: Settled): Promise<void> {
    const answer = await this.#unlessExcused(what, async () => answerText(await ask(ledger)));
    if (answer === undefined) return;
    this.#say(`asked again: ${what}`);
    if (answer !== told) this.#world.wrong(`${what}: it was ${told}, and it is ${answer} now`);
  }

  /** The answer; when the moment that it is about is over, it is remembered. */
  async #asked<Answer>(
    what: string,
    isOver: boolean,
    ledger: Ledger,
    ask: (ledger: Ledger) => Promise<Answer>,
  ): Promise<Answer> {
    const answer = await ask(ledger);
    if (isOver) this.#world.history.settled.remember({ what, ask, told: answerText(answer) });
    return answer;
  }

  async #unlessExcused<Answer>(what: string, ask: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!isExcused(error)) this.#world.wrong(`asked ${what}, and got ${describeError(error)}`);
      return undefined;
    }
  }

  #say(what: string): void {
    this.#world.say(`${this.#machine.name}/audit`, () => what);
  }

  async ask(ledger: Ledger, project: string, kind: keyof typeof QUESTIONS): Promise<void> {
    const { server, history } = this.#world;
    const stream = streamOf(project);
    const { what, ask, isAbsent = (_, events) => events === 0 } = this.#questionOf(kind, project);
    const from = server.headOf(stream);
    try {
      const holds = await ask(ledger);
      const to = server.headOf(stream);
      this.#say(`asked ${project}: ${what}`);
      history.observations.push({ what, project, from, to, holds });
    } catch (error) {
      if (isExcused(error)) return;
      const isUnknown = error instanceof LedgerError && /NOT_FOUND$/.test(error.code);
      if (!isUnknown) {
        this.#world.wrong(`asked ${project}: ${what}, and got ${describeError(error)}`);
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

  #questionOf(kind: keyof typeof QUESTIONS, project: string): Question {
    const { random, scheduler } = this.#machine;
    const { server } = this.#world;
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
            if (active) this.#times.push(active.recordedAt);
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
            const active = await this.#asked(`${project}: ${what}`, revision < head, ledger, ask);
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
            const active = await this.#asked(`${project}: ${what}`, true, ledger, ask);
            return known(active?.number, "now", (truth) => truth.eventsUntilPosition(position));
          },
        };
      }
      case "atTime": {
        const anyTime = EPOCH_MS + scheduler.nowMs * random.next();
        const heard = random.chance(0.7) && this.#times.length > 0 ? Date.parse(random.pick(this.#times)) : undefined;
        const time = new Date(Math.floor(heard ?? anyTime)).toISOString();
        const what = `active in ${environment} at ${time}`;
        const ask = (ledger: Ledger) => ledger.activeModel(project, { environment, at: new Date(time) });
        return {
          what,
          ask: async (ledger) => {
            const active = await this.#asked(`${project}: ${what}`, server.isBeyond(stream, time), ledger, ask);
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
            const { deployment } = await this.#asked(`${project}: ${what}`, true, ledger, ask);
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
}
