import type { DurableSubscriptions, LedgerWebhooks } from "../api/ledger.ts";
import { LedgerError } from "../errors.ts";

/** What only a process beside the store can do is refused. @throws {LedgerError} INVALID_INPUT */
export function notOverHttp(address: string, what: string): never {
  throw new LedgerError("INVALID_INPUT", `${what}: not over HTTP; open the store behind ${address} for it`, {
    address,
  });
}

export function noSubscriptions(address: string): DurableSubscriptions {
  const refuse = async (): Promise<never> => notOverHttp(address, "durable subscriptions");
  return { run: refuse, list: refuse, parked: refuse, retryParked: refuse, dropParked: refuse, remove: refuse };
}

export function noWebhooks(address: string): LedgerWebhooks {
  const refuseNow = (): never => notOverHttp(address, "webhooks");
  const refuse = async (): Promise<never> => refuseNow();
  return { add: refuse, list: refuse, remove: refuse, deliveries: refuseNow, redeliver: refuseNow, run: refuse };
}
