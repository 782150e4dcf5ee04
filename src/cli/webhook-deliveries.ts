import type { WebhookDelivery } from "../index.ts";
import { type CliCommand, given } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import type { Column } from "./output.ts";

const FAMILY = { group: "Watch and check", within: "webhook" } as const;

function outcomeOf({ attempts, isDelivered }: WebhookDelivery): string {
  const last = attempts.at(-1);
  return isDelivered ? `delivered (${last?.status ?? ""})` : `failed: ${last?.error ?? ""}`;
}

export const webhookDeliveries: CliCommand = {
  ...FAMILY,
  signature: "deliveries [id]",
  summary: "the last deliveries of one webhook, or of all, the newest first",
  examples: ["webhook deliveries", "webhook deliveries --failed --json"],
  configure: (command) => command.option("--failed", "only what was not delivered"),
  async run(session, [id], options) {
    const columns: readonly Column<WebhookDelivery>[] = [
      { title: "webhook", value: ({ webhook }) => webhook },
      { title: "event", value: ({ eventId }) => eventId, isEssential: true },
      { title: "type", value: ({ type }) => type },
      { title: "stream", value: ({ stream, revision }) => `${stream}@${revision}` },
      { title: "last attempt", value: ({ attempts }) => attempts.at(-1)?.at ?? "" },
      { title: "attempts", value: ({ attemptCount }) => String(attemptCount), align: "right" },
      { title: "outcome", value: outcomeOf },
    ];
    const ledger = await session.existing();
    const deliveries = ledger.webhooks.deliveries({ ...(id !== undefined && { id }), ...given(options, "failed") });
    await session.out.list(deliveries, columns, "there are no such deliveries");
    return undefined;
  },
};

export const webhookRedeliver: CliCommand = {
  ...FAMILY,
  signature: "redeliver <id> [event-ids...]",
  summary: "send these events of the delivery log once more, or all that failed, from here and now",
  examples: [
    "webhook redeliver 0198c6d2-7d1e-7a51-8f6e-0d5a7b9c1e2f",
    "webhook redeliver 0198c6d2-7d1e-7a51-8f6e-0d5a7b9c1e2f 0198c6d2-9b11-7c3e-a0f1-5d2e8c7b6a90",
  ],
  async run(session, [id = "", ...eventIds]) {
    const { out, signal, dryPrefix, dryMark } = session;
    const ledger = await session.existing();
    let failures = 0;
    let count = 0;
    const wanted = eventIds.length === 0 ? undefined : eventIds;
    for await (const result of ledger.webhooks.redeliver(id, wanted, { signal, ...dryMark })) {
      count += 1;
      if (result.error !== undefined) failures += 1;
      const done = dryMark.dryRun ? "to be delivered" : "delivered";
      const said = result.error === undefined ? done : `failed: ${result.error}`;
      out.result({ ...result, ...dryMark }, result.eventId, () => out.say(`${dryPrefix}${result.eventId}  ${said}`));
    }
    if (count === 0) out.aside("nothing failed");
    return failures === 0 ? undefined : EXIT.refused;
  },
};
