import { LedgerError } from "../../src/errors.ts";
import { streamOf } from "../../src/events/names.ts";
import type { ActiveModel, Follower, Ledger, RecordedEvent } from "../../src/index.ts";
import type { ProjectTruth } from "./history.ts";
import type { Machine } from "./machine.ts";
import { ENVIRONMENTS } from "./steps.ts";
import { LOST, type World } from "./world.ts";

/** Failures that whoever asks must live with: the store could not be reached, or the process ended. */
export function isExcused(error: unknown): boolean {
  return error === LOST || (error instanceof LedgerError && ["STORE_UNAVAILABLE", "CLOSED"].includes(error.code));
}

/** Serving code: keeps one environment's model at hand, in one life of a process. */
export class Serving {
  readonly project: string;
  readonly environment: string;
  readonly #world: World;
  readonly #machine: Machine;
  #follower: Follower | undefined;
  #last: number | undefined;

  constructor(world: World, machine: Machine) {
    this.#world = world;
    this.#machine = machine;
    this.project = machine.random.pick(world.projects);
    this.environment = machine.random.pick(ENVIRONMENTS);
  }

  get isAlive(): boolean {
    return this.#machine.isAlive;
  }

  /** The number of the deployment that it serves. */
  get serves(): number | undefined {
    return this.#follower?.current?.number;
  }

  get isReady(): boolean {
    return this.#follower !== undefined;
  }

  async run(ledger: Ledger): Promise<void> {
    const { server, history } = this.#world;
    const { project, environment } = this;
    const who = `${this.#machine.name}/serve`;
    for (;;) {
      const from = server.headOf(streamOf(project));
      try {
        const follower = await ledger.follow(project, { environment });
        const number = follower.current?.number;
        const to = server.headOf(streamOf(project));
        const holds = (truth: ProjectTruth, events: number) => truth.activeAt(environment, events)?.number === number;
        history.observations.push({ what: `follow(${environment}) gives number ${number}`, project, from, to, holds });
        this.#last = number;
        follower.on("change", (current, previous) => this.#changed(current, previous));
        follower.on("error", (error) => {
          this.#world.say(who, () => `is told that ${String(error)}`);
          if (!isExcused(error)) this.#world.wrong(`a follower failed with ${String(error)}`);
        });
        this.#follower = follower;
        this.#world.say(who, () => `follows ${project}/${environment} from number ${number}`);
        return;
      } catch (error) {
        if (!isExcused(error)) this.#world.wrong(`follow() failed with ${String(error)}`);
        if (error instanceof LedgerError && error.code === "CLOSED") return;
        await this.#machine.sleep(1_000);
      }
    }
  }

  #changed(current: ActiveModel, previous: ActiveModel | undefined): void {
    const { history, server } = this.#world;
    const { number, version } = current;
    const { project, environment } = this;
    const what = `a follower of ${project}/${environment} changed from ${this.#last} to ${number}`;
    this.#world.say(`${this.#machine.name}/serve`, () => what);
    if (number !== (this.#last ?? 0) + 1) this.#world.wrong(`${what}, which is not the next`);
    if (previous?.number !== this.#last) this.#world.wrong(`${what} but says it was ${previous?.number}`);
    this.#last = number;
    const to = server.headOf(streamOf(project));
    const holds = (truth: ProjectTruth, events: number): boolean => {
      const active = truth.activeAt(environment, events);
      return active?.number === number && active.version === version;
    };
    history.observations.push({ what, project, from: 0, to, holds });
  }
}

/** Reads the log as it grows, and goes on after the last event that it got when its subscription fails. */
export class Subscriber {
  readonly received: RecordedEvent[] = [];
  readonly project: string | undefined;
  readonly #world: World;
  readonly #machine: Machine;

  constructor(world: World, machine: Machine) {
    this.#world = world;
    this.#machine = machine;
    this.project = machine.random.chance(0.5) ? machine.random.pick(world.projects) : undefined;
  }

  get isAlive(): boolean {
    return this.#machine.isAlive;
  }

  async run(ledger: Ledger): Promise<void> {
    const who = `${this.#machine.name}/listen`;
    for (;;) {
      try {
        const from = this.received.at(-1)?.position ?? "start";
        const events = ledger.subscribe({ from, ...(this.project !== undefined && { project: this.project }) });
        for await (const event of events) {
          const last = this.received.at(-1);
          if (last !== undefined && event.position <= last.position) {
            this.#world.wrong(`a subscription gave ${event.position} after ${last.position}`);
          }
          this.received.push(event);
          this.#world.say(who, () => `gets ${event.type} ${event.revision} of ${event.stream}`);
          if (this.#machine.random.chance(0.05)) await this.#machine.sleep(this.#machine.random.logUniform(1, 5_000));
        }
        return;
      } catch (error) {
        if (!isExcused(error)) this.#world.wrong(`subscribe() failed with ${String(error)}`);
        if (error instanceof LedgerError && error.code === "CLOSED") return;
        await this.#machine.sleep(500);
      }
    }
  }
}
