import type { Ledger, ParkedEvent, SubscriptionSummary } from "../index.ts";
import type { CliCommand, Session } from "./command.ts";
import type { Column } from "./output.ts";

export const subscriptions: CliCommand = {
  group: "Watch and check",
  signature: "subscriptions",
  summary: "every durable subscription: how far it is and who reads it",
  examples: ["subscriptions", "subscriptions --json"],
  async run(session) {
    const columns: readonly Column<SubscriptionSummary>[] = [
      { title: "subscription", value: ({ name }) => name },
      { title: "checkpoint", value: ({ checkpoint }) => checkpoint ?? "start" },
      { title: "finished", value: ({ finished }) => String(finished), align: "right" },
      { title: "parked", value: ({ parked }) => String(parked), align: "right" },
      { title: "reader", value: ({ reader }) => reader ?? "none" },
      { title: "trying", value: ({ trying }) => (trying ? `attempt ${trying.attempts}: ${trying.error}` : "") },
    ];
    const ledger = await session.existing();
    await session.out.list(await ledger.subscriptions.list(), columns, "there are no subscriptions yet");
    return undefined;
  },
};

interface ParkedRow extends ParkedEvent {
  readonly subscription: string;
}

async function parkedRows({ subscriptions: all }: Ledger, name: string | undefined): Promise<readonly ParkedRow[]> {
  const names = name === undefined ? (await all.list()).map((one) => one.name) : [name];
  const lists = names.map(async (subscription) =>
    (await all.parked(subscription)).map((event) => ({ subscription, ...event })),
  );
  return (await Promise.all(lists)).flat();
}

const COLUMNS: readonly Column<ParkedRow>[] = [
  { title: "subscription", value: ({ subscription }) => subscription },
  { title: "event", value: ({ eventId }) => eventId, isEssential: true },
  { title: "type", value: ({ type }) => type },
  { title: "stream", value: ({ stream, revision }) => `${stream}@${revision}` },
  { title: "parked at", value: ({ parkedAt }) => parkedAt },
  { title: "attempts", value: ({ attempts }) => String(attempts), align: "right" },
  { title: "failed with", value: ({ error, isToRetry }) => (isToRetry ? `${error} (to be retried)` : error) },
];

export const parkList: CliCommand = {
  group: "Watch and check",
  within: "park",
  signature: "list [subscription]",
  summary: "the parked events of one subscription, or of all",
  examples: ["park list", "park list reload --json"],
  async run(session, [name]) {
    const rows = await parkedRows(await session.existing(), name);
    await session.out.list(rows, COLUMNS, "nothing is parked");
    return undefined;
  },
};

function report(session: Session, subscription: string, events: readonly ParkedEvent[], what: string): undefined {
  const { out, dryPrefix, dryMark } = session;
  const result = { subscription, events: events.map(({ eventId }) => eventId), ...dryMark };
  out.result(result, events.length, () =>
    out.say(`${dryPrefix}${events.length} ${events.length === 1 ? "event" : "events"} ${what}`),
  );
  return undefined;
}

const idsIn = (ids: readonly string[]): readonly string[] | undefined => (ids.length === 0 ? undefined : ids);

export const parkRetry: CliCommand = {
  group: "Watch and check",
  within: "park",
  signature: "retry <subscription> [event-ids...]",
  summary: "let the reader try these parked events again, or all; it does so within seconds",
  examples: ["park retry reload", "park retry reload 0198c6d2-7d1e-7a51-8f6e-0d5a7b9c1e2f"],
  async run(session, [name = "", ...ids]) {
    const { subscriptions: all } = await session.existing();
    const events = await all.retryParked(name, idsIn(ids), session.dryMark);
    const isRead = (await all.list()).some((one) => one.name === name && one.reader !== undefined);
    const when = isRead ? "to be tried again now" : `to be tried again as soon as somebody reads "${name}"`;
    return report(session, name, events, when);
  },
};

export const parkDrop: CliCommand = {
  group: "Watch and check",
  within: "park",
  signature: "drop <subscription> [event-ids...]",
  summary: "forget these parked events, or all: they are never handled",
  examples: ["park drop reload", "park drop reload 0198c6d2-7d1e-7a51-8f6e-0d5a7b9c1e2f"],
  async run(session, [name = "", ...ids]) {
    const { subscriptions: all } = await session.existing();
    return report(session, name, await all.dropParked(name, idsIn(ids), session.dryMark), "forgotten");
  },
};
