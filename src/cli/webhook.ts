import { readFileSync } from "node:fs";
import { LedgerError } from "../errors.ts";
import type { Observation, WebhookInput, WebhookStatus, WebhookSummary } from "../index.ts";
import { type CliCommand, given, type Session } from "./command.ts";
import type { Column } from "./output.ts";

const FAMILY = { group: "Watch and check", within: "webhook" } as const;

/** `--events A --events B` and `--events A,B`. */
const named = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...value.split(",").map((type) => type.trim()),
];

function secretIn(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new LedgerError("INVALID_INPUT", `--secret-file: "${path}" cannot be read`, { path }, { cause });
  }
}

function aboutOf({ project, types, environment }: WebhookSummary): string {
  const of = [types?.join(", ") ?? "every event"];
  if (project !== undefined) of.push(`of ${project}`);
  if (environment !== undefined) of.push(`in ${environment}`);
  return of.join(" ");
}

export const webhookAdd: CliCommand = {
  ...FAMILY,
  signature: "add <url>",
  summary: "send events that are recorded from now on to an address, signed as Standard Webhooks",
  examples: [
    "webhook add https://hooks.example.com/models --events ModelDeployed --project 'Digits*' --environment production",
    "webhook add http://127.0.0.1:9000/ --allow-private --secret-file ./secret",
  ],
  configure: (command) =>
    command
      .option("--events <types>", "only events of these types; repeat it, or separate them by commas", named)
      .option("--project <name>", "only this project, or a pattern: 'Digits*'")
      .option("--environment <name>", "of the deployments only those into this environment")
      .option("--secret-file <path>", "sign with the secret in this file (whsec_…); made up and told once unless given")
      .option("--allow-private", "let it be sent to this machine and its neighbours, not only to the public internet"),
  async run(session, [url = ""], options) {
    const { out, dryPrefix, dryMark } = session;
    const file = options.secretFile as string | undefined;
    const input: WebhookInput = {
      url,
      ...given(options, "project", "environment", "allowPrivate"),
      ...(options.events !== undefined && { types: options.events as NonNullable<WebhookInput["types"]> }),
      ...(file !== undefined && { secret: secretIn(file) }),
      ...dryMark,
    };
    const { secret, ...added } = await session.write((ledger) => ledger.webhooks.add(input));
    const isTold = file === undefined && !dryMark.dryRun;
    out.result({ ...added, ...(isTold && { secret }), ...dryMark }, added.id, () => {
      out.say(`${dryPrefix}webhook ${added.id}: ${aboutOf(added)} to ${added.url}`);
      if (isTold) out.say(`its secret, told this one time: ${secret}`);
      out.aside("it is delivered while `model-ledger serve` or `model-ledger webhook run` runs");
    });
    return undefined;
  },
};

export const webhookList: CliCommand = {
  ...FAMILY,
  signature: "list",
  summary: "every webhook: what it is about and how far it is",
  examples: ["webhook list", "webhook list --json"],
  async run(session) {
    const columns: readonly Column<WebhookStatus>[] = [
      { title: "webhook", value: ({ id }) => id },
      { title: "url", value: ({ url }) => url },
      { title: "about", value: aboutOf },
      { title: "finished", value: ({ finished }) => String(finished), align: "right" },
      { title: "parked", value: ({ parked }) => String(parked), align: "right" },
      { title: "trying", value: ({ trying }) => (trying ? `attempt ${trying.attempts}: ${trying.error}` : "") },
    ];
    const ledger = await session.existing();
    await session.out.list(await ledger.webhooks.list(), columns, "there are no webhooks yet");
    return undefined;
  },
};

export const webhookRemove: CliCommand = {
  ...FAMILY,
  signature: "remove <id>",
  summary: "send it nothing more",
  examples: ["webhook remove 0198c6d2-7d1e-7a51-8f6e-0d5a7b9c1e2f"],
  async run(session, [id = ""]) {
    const { out, dryPrefix, dryMark } = session;
    const removed = await (await session.existing()).webhooks.remove(id, dryMark);
    out.result({ ...removed, ...dryMark }, id, () => out.say(`${dryPrefix}webhook ${id} to ${removed.url} is removed`));
    return undefined;
  },
};

/** What befell a delivery; as data for programs. */
function tell({ out }: Session, { id, url }: WebhookSummary, observation: Observation): void {
  const { kind } = observation;
  const facts = {
    webhook: id,
    kind,
    ...("event" in observation && { eventId: observation.event.id, type: observation.event.type }),
    ...("attempt" in observation && { attempt: observation.attempt }),
    ...("error" in observation && { error: String(observation.error) }),
  };
  const { webhook: _, kind: __, ...rest } = facts;
  const details = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  if (out.style.json) out.json(facts);
  else if (!out.style.quiet) out.say([id, url, kind, ...details].join("  "));
}

export const webhookRun: CliCommand = {
  ...FAMILY,
  signature: "run",
  summary: "deliver to all webhooks until interrupted; `serve` does it too",
  examples: ["webhook run", "webhook run --json"],
  async run(session) {
    session.refuseDryRun("webhook run");
    const ledger = await session.forWriting();
    await ledger.webhooks.run({
      signal: session.signal,
      observe: (webhook, observation) => tell(session, webhook, observation),
    });
    return undefined;
  },
};
