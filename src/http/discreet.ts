import type { LedgerError } from "../errors.ts";

const IN_LOG = "the service's log has more";

/**
 * What clients are told of an error. Where the store is (`details.path` or `details.address`), and what its driver says of
 * that, is for those who run the service: its log has the whole.
 */
export function discreet({ message, details, cause }: LedgerError): Pick<LedgerError, "message" | "details"> {
  const { address, path = address, ...others } = details;
  if (typeof path !== "string") return { message, details };
  const driverSays = cause instanceof Error ? cause.message : "";
  const ours = driverSays === "" ? message : message.replaceAll(driverSays, IN_LOG);
  const named = [` at ${path}`, ` "${path}"`, ` ${path}`].reduce((text, place) => text.replaceAll(place, ""), ours);
  return { message: named.replaceAll(`"${path}"`, "the store").replaceAll(path, "the store"), details: others };
}
