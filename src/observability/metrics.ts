import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { ServedLedger } from "../api/served-ledger.ts";
import type { ActiveModel } from "../ledger/active-model.ts";
import { RequestTally } from "./request-tally.ts";

const PREFIX = "model_ledger_";
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Every series costs Prometheus memory for as long as it keeps any: of more active models only the newest have one. */
const MAX_ACTIVE_SERIES = 1_000;

/** What Prometheus asks of a service. Names and labels are a promise: dashboards and alerts are built on them. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = new RequestTally(this.#registry, {
    requests: { name: `${PREFIX}http_requests_total`, help: "Requests answered" },
    seconds: { name: `${PREFIX}http_request_duration_seconds`, help: "Time to answer a request" },
    bounds: SECONDS,
  });
  readonly #commands = this.#counter("commands_total", "Commands by what became of them", ["command", "outcome"]);
  readonly #commandSeconds = this.#histogram("command_duration_seconds", "Time to carry out a command", ["command"]);
  readonly #streams = this.#gauge("event_streams", "Event streams that are open", []);
  readonly #active = this.#gauge(
    "active_model_info",
    "1 for the model that is active; for the thousand newest deployments",
    ["project", "environment", "version", "algorithm", "model_id"],
  );
  readonly #activeCount = this.#gauge("active_models", "Environments of projects in which a model is active", []);
  readonly #finished = this.#counter(
    "subscription_finished_events_total",
    "Events that a durable subscription has finished",
    ["subscription"],
  );
  readonly #parked = this.#gauge("subscription_parked_events", "Events that it could not handle", ["subscription"]);
  readonly #lag = this.#gauge("subscription_lag_events", "Events that it has yet to handle, counted up to 1000", [
    "subscription",
  ]);
  readonly #storeUp = this.#gauge("store_up", "1 if the store answered when this was asked", []);
  readonly #storeSeconds = this.#gauge("store_answer_seconds", "Time the store took to answer", []);

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  answered(method: string, route: string, status: number, seconds: number): void {
    this.#requests.answered(method, route, status, seconds);
  }

  /** `outcome`: "accepted", or the code it was refused with. */
  commanded(command: string, outcome: string, seconds: number): void {
    this.#commands.inc({ command, outcome });
    this.#commandSeconds.observe({ command }, seconds);
  }

  /** The text that Prometheus reads, as of now; lines about projects that are not `covered` are left out. */
  async text(ledger: () => ServedLedger, openStreams: number, covers: (project: string) => boolean): Promise<string> {
    this.#streams.set(openStreams);
    await this.#askStore(ledger);
    const text = await this.#registry.metrics();
    return text
      .split("\n")
      .filter((line) => {
        const project = projectIn(line);
        return project === undefined || covers(project);
      })
      .join("\n");
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** A store that is away is a figure too, not a failure. */
  async #askStore(ledger: () => ServedLedger): Promise<void> {
    const begun = performance.now();
    try {
      await ledger().head();
      this.#storeSeconds.set((performance.now() - begun) / 1_000);
      await this.#askLedger(ledger());
      this.#storeUp.set(1);
    } catch {
      this.#storeUp.set(0);
    }
  }

  async #askLedger(ledger: ServedLedger): Promise<void> {
    const active = await ledger.activeModels();
    this.#activeCount.set(active.length);
    this.#active.reset();
    for (const { project, environment, version, algorithm, modelId } of newest(active)) {
      this.#active.set({ project, environment, version: String(version), algorithm, model_id: modelId }, 1);
    }
    this.#finished.reset();
    this.#parked.reset();
    this.#lag.reset();
    for (const { name: subscription, finished, parked, checkpoint } of await ledger.subscriptions.list()) {
      this.#finished.inc({ subscription }, finished);
      this.#parked.set({ subscription }, parked);
      this.#lag.set({ subscription }, await ledger.countAfter(checkpoint));
    }
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.#registry] });
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name: PREFIX + name, help, labelNames, registers: [this.#registry] });
  }

  #histogram<Label extends string>(name: string, help: string, labelNames: Label[]): Histogram<Label> {
    return new Histogram({ name: PREFIX + name, help, labelNames, buckets: SECONDS, registers: [this.#registry] });
  }
}

function newest(active: readonly ActiveModel[]): readonly ActiveModel[] {
  if (active.length <= MAX_ACTIVE_SERIES) return active;
  const byTime = active.toSorted((a, b) => (a.recordedAt < b.recordedAt ? 1 : -1));
  return byTime.slice(0, MAX_ACTIVE_SERIES);
}

/** The value of the label `project` in a line of the exposition format. */
function projectIn(line: string): string | undefined {
  const [, escaped] = /[{,]project="((?:[^"\\]|\\.)*)"/.exec(line) ?? [];
  return escaped?.replaceAll(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}
