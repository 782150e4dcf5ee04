import { type ChildProcess, type ForkOptions, fork } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemRuntime } from "../../src/runtime.ts";
import type { StoredEvent } from "../../src/store/event-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { violationsIn } from "../simulation/check.ts";
import { type Attempt, History } from "../simulation/history.ts";
import type { Order } from "../simulation/steps.ts";
import type { Task, Told } from "./messages.ts";

const WRITER = join(import.meta.dirname, "writer.ts");
const PROJECTS = ["Digits", "Irises"] as const;

/** Nobody watches the clocks of the processes: a freeze with an end may have been over or not. */
const ANY_TIME = ["0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"];

interface Member {
  readonly name: string;
  readonly child: ChildProcess;
  readonly quiet: Promise<unknown>;
  readonly ended: Promise<unknown>;
  finished: Extract<Told, { kind: "finished" }> | undefined;
}

/** What a soak came to. */
export interface Result {
  readonly events: number;
  readonly acknowledged: number;
  readonly refused: number;
  /** Attempts that ended without saying what became of them. */
  readonly unknown: number;
  readonly lives: number;
  readonly violations: readonly string[];
}

/** Writers on one ledger, each a process; whatever they were told is held against the log in the end. */
export class Crew {
  readonly #url: string;
  readonly #options: ForkOptions;
  readonly #history = new History();
  readonly #byCall = new Map<string, Attempt>();
  readonly #members = new Map<string, Member>();
  #lives = 0;

  constructor(url: string, options: ForkOptions = {}) {
    this.#url = url;
    this.#options = options;
  }

  get acknowledged(): number {
    return this.#history.attempts.filter(({ outcome }) => outcome.kind === "accepted").length;
  }

  get names(): readonly string[] {
    return [...this.#members.keys()];
  }

  start(pending: readonly Order[] = []): string {
    this.#lives += 1;
    const name = `w${this.#lives}`;
    const task: Task = { url: this.#url, name, seed: this.#lives, projects: PROJECTS, pending };
    const argument = JSON.stringify(task, (_, value) => (typeof value === "bigint" ? String(value) : value));
    const child = fork(WRITER, [argument], { execArgv: [], serialization: "advanced", ...this.#options });
    const quiet = Promise.withResolvers<void>();
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const member: Member = { name, child, quiet: quiet.promise, ended, finished: undefined };
    child.on("message", (told: Told | "quiet") => {
      if (told === "quiet") quiet.resolve();
      else this.#hear(member, told);
    });
    child.once("exit", () => quiet.resolve());
    this.#members.set(name, member);
    return name;
  }

  signal(name: string, signal: "SIGSTOP" | "SIGCONT"): void {
    this.#members.get(name)?.child.kill(signal);
  }

  /** kill -9, and another process that takes over what was under way. */
  async replace(name: string): Promise<string> {
    const member = this.#members.get(name);
    if (member === undefined) throw new RangeError(`there is no writer ${name}`);
    member.child.kill("SIGKILL");
    await member.ended;
    this.#members.delete(name);
    const own = this.#history.attempts.filter(({ call }) => call.startsWith(`${name}.`));
    const last = own.at(-1);
    const isOpen = last?.outcome.kind === "unknown" && last.order.commandId !== undefined;
    return this.start(isOpen ? [last.order] : []);
  }

  /** Waits until so many more commands were acknowledged. */
  async progress(more: number, patienceMs = 120_000): Promise<void> {
    const wanted = this.acknowledged + more;
    for (const end = Date.now() + patienceMs; this.acknowledged < wanted; ) {
      if (Date.now() > end) throw new Error(`no ${more} commands were acknowledged within ${patienceMs / 1_000} s`);
      await delay(50);
    }
  }

  /** Lets everybody come to an end, and checks all that must hold. */
  async finish(): Promise<Result> {
    for (const { child } of this.#members.values()) child.send("finish");
    await Promise.all([...this.#members.values()].map(({ quiet }) => quiet));
    const log = await this.#log();
    const position = log.at(-1)?.position ?? "";
    for (const { child } of this.#members.values()) if (child.connected) child.send({ position });
    await Promise.all([...this.#members.values()].map(({ ended }) => ended));
    for (const attempt of this.#history.attempts) attempt.headAfter = log.length;
    const violations = [...violationsIn(log, this.#history, PROJECTS), ...this.#brokenReaders(log)];
    const kinds = this.#history.attempts.map(({ outcome }) => outcome.kind);
    const count = (kind: string) => kinds.filter((one) => one === kind).length;
    return {
      events: log.length,
      acknowledged: count("accepted"),
      refused: count("refused"),
      unknown: count("unknown"),
      lives: this.#lives,
      violations,
    };
  }

  #hear(member: Member, told: Told): void {
    switch (told.kind) {
      case "asks": {
        const { call, order } = told;
        const outcome = { kind: "unknown" } as const;
        const attempt: Attempt = { call, order, headBefore: 0, headAfter: 0, outcome, clock: ANY_TIME };
        this.#history.attempts.push(attempt);
        this.#byCall.set(call, attempt);
        return;
      }
      case "hears": {
        const attempt = this.#byCall.get(told.call);
        if (attempt) attempt.outcome = told.outcome;
        // Nobody here expects a revision, so a lost race is not theirs to hear of.
        const isLost = told.outcome.kind === "refused" && told.outcome.code === "CONFLICT";
        if (isLost) this.#history.wrong(`${told.call} lost a race: ${told.why}`);
        return;
      }
      case "broken":
        this.#history.wrong(`${member.name} broke: ${told.why}`);
        return;
      case "finished":
        member.finished = told;
        return;
    }
  }

  async #log(): Promise<readonly StoredEvent[]> {
    const store = await openStore(this.#url, systemRuntime());
    try {
      const events: StoredEvent[] = [];
      for await (const event of store.readAll()) events.push(event);
      return events;
    } finally {
      await store.close();
    }
  }

  /** Subscriptions without gap or repeat, followers at the truth. */
  #brokenReaders(log: readonly StoredEvent[]): readonly string[] {
    const positions = JSON.stringify(log.map(({ position }) => position));
    const latest = log.findLast(
      ({ stream, type, data }) =>
        stream.endsWith(`-${PROJECTS[0]}`) && type === "ModelDeployed" && data.includes('"environment":"production"'),
    );
    const truth = latest && (JSON.parse(latest.data) as { readonly number: number }).number;
    return [...this.#members.values()].flatMap(({ name, finished }) => {
      if (finished === undefined) return [`${name} did not finish`];
      const gap = JSON.stringify(finished.received) === positions ? [] : [`${name}'s subscription is not the log`];
      return finished.serves === truth ? gap : [...gap, `${name} serves ${finished.serves}, and the truth is ${truth}`];
    });
  }
}
