import { LedgerError } from "../../src/errors.ts";
import type { EventType } from "../../src/events/events.ts";
import { streamOf } from "../../src/events/names.ts";
import type { ActiveModel, Follower, Ledger, RecordedEvent } from "../../src/index.ts";
import { formatPosition } from "../../src/store/position.ts";
import type { ProjectTruth } from "./history.ts";
import type { Machine } from "./machine.ts";
import type { LogEntry } from "./server.ts";
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
  readonly #who: string;
  #follower: Follower | undefined;
  /** The number that it was told last. */
  #last: number | undefined;

  constructor(world: World, machine: Machine) {
    this.#world = world;
    this.#machine = machine;
    this.#who = `${machine.name}/serve`;
    this.project = machine.random.pick(world.projects);
    this.environment = machine.random.pick(ENVIRONMENTS);
  }

  get isAlive(): boolean {
    return this.#machine.isAlive;
  }

  /** What it serves. */
  get serves(): ActiveModel | undefined {
    return this.#follower?.current;
  }

  get isReady(): boolean {
    return this.#follower !== undefined;
  }

  /** Follows, now and then looks what it serves, and now and then begins anew, until the faults are over. */
  async run(ledger: Ledger): Promise<void> {
    const { random } = this.#machine;
    for (;;) {
      const follower = await this.#begin(ledger);
      if (follower === undefined) return;
      do {
        await this.#machine.sleep(random.logUniform(1, 60_000));
        this.#look(follower);
        if (this.#world.faults.isOver) return;
      } while (!random.chance(0.1));
      await this.#end(follower);
    }
  }

  async #begin(ledger: Ledger): Promise<Follower | undefined> {
    const { server, history } = this.#world;
    const { project, environment } = this;
    for (;;) {
      const from = server.headOf(streamOf(project));
      try {
        const follower = await ledger.follow(project, { environment });
        const number = follower.current?.number;
        const to = server.headOf(streamOf(project));
        const holds = (truth: ProjectTruth, events: number) => truth.activeAt(environment, events)?.number === number;
        history.observations.push({ what: `follow(${environment}) gives number ${number}`, project, from, to, holds });
        this.#last = number;
        follower.on("change", (current, previous) => this.#changed(follower, current, previous));
        follower.on("error", (error) => {
          this.#world.say(this.#who, () => `is told that ${String(error)}`);
          if (!isExcused(error)) this.#world.wrong(`a follower failed with ${String(error)}`);
        });
        this.#follower = follower;
        this.#world.say(this.#who, () => `follows ${project}/${environment} from number ${number}`);
        return follower;
      } catch (error) {
        if (!isExcused(error)) this.#world.wrong(`follow() failed with ${String(error)}`);
        if (error instanceof LedgerError && error.code === "CLOSED") return undefined;
        await this.#machine.sleep(1_000);
      }
    }
  }

  async #end(follower: Follower): Promise<void> {
    await follower.close();
    this.#follower = undefined;
    this.#world.say(this.#who, () => `follows ${this.project}/${this.environment} no longer`);
  }

  /** Whoever serves reads the property at any time, not only when told: it shows what was told last. */
  #look({ current }: Follower): void {
    if (current?.number === this.#last) return;
    const { project, environment } = this;
    this.#world.wrong(`a follower of ${project}/${environment} was told ${this.#last}, and shows ${current?.number}`);
  }

  #changed(follower: Follower, current: ActiveModel, previous: ActiveModel | undefined): void {
    const { history, server } = this.#world;
    const { number, version } = current;
    const { project, environment } = this;
    const what = `a follower of ${project}/${environment} changed from ${this.#last} to ${number}`;
    this.#world.say(this.#who, () => what);
    if (follower !== this.#follower) this.#world.wrong(`${what} after it was closed`);
    if (number !== (this.#last ?? 0) + 1) this.#world.wrong(`${what}, which is not the next`);
    if (previous?.number !== this.#last) this.#world.wrong(`${what} but says it was ${previous?.number}`);
    this.#last = number;
    this.#look(follower);
    const to = server.headOf(streamOf(project));
    const holds = (truth: ProjectTruth, events: number): boolean => {
      const active = truth.activeAt(environment, events);
      return active?.number === number && active.version === version;
    };
    history.observations.push({ what, project, from: 0, to, holds });
  }
}

/** What a subscriber asks for. */
interface Wish {
  readonly project?: string;
  readonly types?: EventType[];
}

/**
 * Reads the log as it grows, from its start, some place in it or its end, and goes on after the last event that it got
 * when its subscription fails.
 */
export class Subscriber {
  readonly #world: World;
  readonly #machine: Machine;
  readonly #wish: Wish;
  readonly #who: string;
  /** The position to go on after; "end" until the first event of one that began there. */
  #after: string;
  /** How far in the log it is: all that it wants up to there, it has. Of one that began at the end: at the least. */
  #place = 0;
  #received = 0;

  constructor(world: World, machine: Machine) {
    const { random } = machine;
    const { server, projects } = world;
    this.#world = world;
    this.#machine = machine;
    this.#who = `${machine.name}/listen`;
    this.#wish = {
      ...(random.chance(0.5) && { project: random.pick(projects) }),
      ...(random.chance(0.3) && { types: random.pick([["ModelDeployed"], ["PolicySet", "ModelRetired"]]) }),
    };
    const place = random.between(0, server.events);
    this.#after = random.pick(["start", "start", formatPosition(place), "end"]);
    if (this.#after === "end") this.#place = server.events;
    else if (this.#after !== "start") this.#place = place;
  }

  get isAlive(): boolean {
    return this.#machine.isAlive;
  }

  get isUpToDate(): boolean {
    // What came between its first call and the store's answer, one that begins at the end never sees.
    return this.#after === "end" || this.#next() === undefined;
  }

  get progress(): string {
    return `a subscriber that has ${this.#received} events and waits for ${this.#next()?.position}`;
  }

  async run(ledger: Ledger): Promise<void> {
    for (;;) {
      try {
        for await (const event of ledger.subscribe({ from: this.#after, ...this.#wish })) {
          this.#take(event);
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

  #take({ type, revision, stream, position }: RecordedEvent): void {
    this.#world.say(this.#who, () => `gets ${type} ${revision} of ${stream}`);
    let next = this.#next();
    // One that began at the end may have begun later than it is known here, and never earlier.
    while (this.#after === "end" && next !== undefined && next.position < position) {
      this.#place = Number(next.position);
      next = this.#next();
    }
    if (position !== next?.position) {
      this.#world.wrong(`a subscription gave ${position} where ${next?.position} came next`);
    }
    this.#after = position;
    this.#place = Number(position);
    this.#received += 1;
  }

  /** The next event of the log that it wants, if reads show it. */
  #next(): LogEntry | undefined {
    const { project, types } = this.#wish;
    const { all: log } = this.#world.server.entries;
    const stream = project === undefined ? undefined : streamOf(project);
    for (; this.#place < log.length; this.#place++) {
      const entry = log[this.#place];
      const isWanted = stream === undefined || entry?.stream === stream;
      if (isWanted && (types === undefined || types.some((type) => type === entry?.type))) return entry;
    }
    return undefined;
  }
}
