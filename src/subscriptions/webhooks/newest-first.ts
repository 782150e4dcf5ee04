import type { Delivery, DeliveryLog } from "./delivery-log.ts";

export interface WebhookDelivery extends Delivery {
  readonly webhook: string;
}

/** The log of one webhook, the newest first. */
export async function* deliveriesTo(webhook: string, log: DeliveryLog): AsyncGenerator<WebhookDelivery> {
  for await (const delivery of log.all()) yield { webhook, ...delivery };
}

/** Logs put together by the positions of their events; each is read no further than it is asked for. */
export async function* newestFirst(logs: readonly AsyncGenerator<WebhookDelivery>[]): AsyncGenerator<WebhookDelivery> {
  let heads = await Promise.all(logs.map(headOf));
  for (;;) {
    const [first, ...rest] = heads.filter((head) => head !== undefined);
    if (!first) return;
    const newest = rest.reduce((one, other) => (other.delivery.position > one.delivery.position ? other : one), first);
    yield newest.delivery;
    const next = await headOf(newest.log);
    heads = heads.map((head) => (head === newest ? next : head));
  }
}

async function headOf(log: AsyncGenerator<WebhookDelivery>) {
  const { value } = await log.next();
  return value === undefined ? undefined : { log, delivery: value as WebhookDelivery };
}
