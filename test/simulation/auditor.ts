import { generateKeys } from "../../src/audit/signed-note.ts";
import { LedgerError } from "../../src/errors.ts";
import { streamOf } from "../../src/events/names.ts";
import type { Ledger } from "../../src/index.ts";
import { formatPosition } from "../../src/store/position.ts";
import type { Machine } from "./machine.ts";
import { type Holds, QUESTIONS, type QuestionKind, questionOf } from "./questions.ts";
import { answerText, type Settled } from "./settled.ts";
import { ENVIRONMENTS } from "./steps.ts";
import { isExcused } from "./watchers.ts";
import type { World } from "./world.ts";

const describeError = (error: unknown): string => (error instanceof Error && error.stack) || String(error);

/** Questions that are not of one project. */
const WHOLE = { everywhere: 1, checkpoint: 1, verifyAll: 2, again: 4 } as const;

/** New in every process: nothing that a world does depends on them. */
const KEYS = generateKeys("simulation");

const SHARE_OF_WHOLE = 0.25;

/** An auditor asks so often in a life. */
const MAX_QUESTIONS = 25;

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
      for (const kind of Object.keys(QUESTIONS) as QuestionKind[]) await this.ask(ledger, project, kind);
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
      case "checkpoint":
        return this.#signCheckpoint(ledger);
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
    const rows = await this.#unlessExcused(what, () => history.settled.asked(what, true, ledger, ask));
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

  /** The log verifies, and begins as it did when any earlier checkpoint was signed. */
  async #verifyAll(ledger: Ledger): Promise<void> {
    const { server, history } = this.#world;
    const from = server.events;
    const signed = history.checkpoints.length > 0 ? this.#machine.random.pick(history.checkpoints) : undefined;
    const verification = await this.#unlessExcused("to verify the whole log", () => ledger.verify(signed));
    if (verification === undefined) return;
    const { ok, events, firstBroken, checkpoint } = verification;
    this.#say(`the whole log verifies: ${ok}`);
    if (!ok || events < from || events > server.events) {
      const broken = firstBroken ? `a break at ${firstBroken.stream}@${firstBroken.revision}` : checkpoint?.why;
      this.#world.wrong(
        `verifying the whole log of ${from} to ${server.events} events found ${ok ? `${events} events` : broken}`,
      );
    }
  }

  /** A signed head of the log as it is now, which the whole cast keeps. */
  async #signCheckpoint(ledger: Ledger): Promise<void> {
    const { server, history } = this.#world;
    const from = server.events;
    const sign = () => ledger.checkpoint({ key: KEYS.privateKey });
    const signed = await this.#unlessExcused("to sign a checkpoint", sign);
    if (signed === undefined) return;
    const { checkpoint, publicKey, size } = signed;
    this.#say(`a checkpoint over ${size} events is signed`);
    if (size < from || size > server.events) {
      this.#world.wrong(`a checkpoint of a log of ${from} to ${server.events} events is over ${size}`);
    }
    history.checkpoints.push({ checkpoint, publicKey });
  }

  /** As-of answers never change once given for a moment that is over. */
  async #askAgain(ledger: Ledger, { what, ask, told }: Settled): Promise<void> {
    const answer = await this.#unlessExcused(what, async () => answerText(await ask(ledger)));
    if (answer === undefined) return;
    this.#say(`asked again: ${what}`);
    if (answer !== told) this.#world.wrong(`${what}: it was ${told}, and it is ${answer} now`);
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

  async ask(ledger: Ledger, project: string, kind: QuestionKind): Promise<void> {
    const { server, history } = this.#world;
    const stream = streamOf(project);
    const {
      what,
      ask,
      isAbsent = (_, events) => events === 0,
    } = questionOf(kind, project, { world: this.#world, machine: this.#machine, times: this.#times });
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
}
