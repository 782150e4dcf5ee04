import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { openLedger } from "../../src/index.ts";
import { training } from "../bench/fixtures.ts";
import { service } from "../bench/http-load.ts";
import { inFolder, median } from "../bench/measure.ts";

const WARM_UP_MS = 60_000;
const SOAK_MS = 600_000;
const SAMPLE_MS = 1_000;
const PROJECTS = 20;
/** So that the log is long enough for its read model, whose thread takes 40 MiB, from the beginning. */
const TRAININGS_BEFORE = 3_000;
/** Each asks, waits this long, and asks again. */
const ASKERS = 8;
const ASKER_PAUSE_MS = 10;
const COMMAND_PAUSE_MS = 100;
/** Each listens for a while, goes, and comes back for what it missed. */
const LISTENERS = 20;
/** So short that the garbage of those who went is collected several times in each third of the soak. */
const LISTEN_MS = 1_000;

const name = (index: number) => `Digits ${index % PROJECTS}`;
const QUESTIONS = [
  "active",
  "timeline",
  "models?limit=20",
  "leaderboard?limit=20",
  "deployments?limit=20",
  "policy",
] as const;

/** Resident memory in bytes, as Linux counts it. */
function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) * 1_024;
}

/** A client's day: asks, commands and listens until `ended`. What it counts is how often. */
class Load {
  readonly #url: string;
  readonly #ended: AbortSignal;
  readonly counts = { asked: 0, commanded: 0, heard: 0, connected: 0 };

  constructor(url: string, ended: AbortSignal) {
    this.#url = url;
    this.#ended = ended;
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const answer = await fetch(this.#url + path, init);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  async ask(asker: number): Promise<void> {
    for (let index = asker; !this.#ended.aborted; index++) {
      const project = encodeURIComponent(name(index));
      await (await this.#fetch(`/v1/projects/${project}/${QUESTIONS[index % QUESTIONS.length]}`)).text();
      this.counts.asked += 1;
      await delay(ASKER_PAUSE_MS);
    }
  }

  async command(): Promise<void> {
    for (let index = 0; !this.#ended.aborted; index++) {
      const { project, ...trained } = training(name(index), index);
      const [path, body] = index % 5 === 0 ? ["models", trained] : ["deployments", { strategy: "most_recent" }];
      const answer = await this.#fetch(`/v1/projects/${encodeURIComponent(project)}/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      await answer.text();
      this.counts.commanded += 1;
      await delay(COMMAND_PAUSE_MS);
    }
  }

  async listen(): Promise<void> {
    for (let last: string | undefined; !this.#ended.aborted; ) {
      const signal = AbortSignal.any([this.#ended, AbortSignal.timeout(LISTEN_MS)]);
      try {
        const headers = last === undefined ? {} : { "last-event-id": last };
        const { body } = await this.#fetch("/v1/events", { headers, signal });
        this.counts.connected += 1;
        for await (const chunk of body as AsyncIterable<Uint8Array>) {
          for (const [, position] of Buffer.from(chunk)
            .toString()
            .matchAll(/^id: (\S+)\n/gm)) {
            last = position;
            this.counts.heard += 1;
          }
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }
}

test("a service under load for ten minutes stays as large as it was", { timeout: 900_000 }, async () => {
  await inFolder(async (folder) => {
    const store = `sqlite:${join(folder, "ledger.db")}`;
    {
      await using ledger = await openLedger(store);
      for (let index = 0; index < TRAININGS_BEFORE; index++) await ledger.recordTraining(training(name(index), index));
    }
    await using served = await service(store);
    const end = new AbortController();
    const load = new Load(served.url, end.signal);
    const clients = Promise.all([
      ...Array.from({ length: ASKERS }, (_, asker) => load.ask(asker)),
      ...Array.from({ length: LISTENERS }, () => load.listen()),
      load.command(),
    ]);
    const samples: number[] = [];
    const watching = (async () => {
      await delay(WARM_UP_MS);
      for (let waited = 0; waited < SOAK_MS && !end.signal.aborted; waited += SAMPLE_MS) {
        samples.push(residentBytes(served.pid));
        await delay(SAMPLE_MS);
      }
    })();
    try {
      await Promise.race([watching, clients]);
    } finally {
      end.abort();
    }
    await clients;
    const third = Math.floor(samples.length / 3);
    const [first, last] = [median(samples.slice(0, third)), median(samples.slice(-third))];
    const mebibytes = (bytes: number) => (bytes / 1_048_576).toFixed(1);
    console.log(
      `${JSON.stringify(load.counts)}; resident: first third ${mebibytes(first)} MiB, last third ${mebibytes(last)} MiB (${((last / first - 1) * 100).toFixed(1)}%), ${mebibytes(Math.min(...samples))} to ${mebibytes(Math.max(...samples))} MiB`,
    );
    expect(last / first).toBeLessThanOrEqual(1.1);
  });
});
