import type { UUID } from "@eventstore/db-client/generated/shared_pb.js";
import sharedMessages from "@eventstore/db-client/generated/shared_pb.js";
import type { ReadReq, ReadResp } from "@eventstore/db-client/generated/streams_pb.js";
import streamMessages from "@eventstore/db-client/generated/streams_pb.js";
import { LedgerError } from "../../errors.ts";
import type { StoredEvent } from "../event-store.ts";

/**
 * The messages of EventStoreDB. The client's generated ones are used without its methods: those parse JSON and write it
 * anew ("1.50" comes back as 1.5), round numbers above 2^53 and cannot filter a read of `$all`.
 */
const { Empty, StreamIdentifier, UUID: Uuid } = sharedMessages;
const { ReadReq: Request } = streamMessages;
const { Options } = Request;

/** Commit positions have up to 19 digits; padded so that text order is their order. */
const POSITION_DIGITS = 20;
/** The largest number that the server takes for a revision or a position. */
export const MAX_INT64 = 2n ** 63n - 1n;

export const formatPosition = (commit: string): string => commit.padStart(POSITION_DIGITS, "0");

/** @throws {LedgerError} INVALID_INPUT for what {@link formatPosition} did not write. */
export function parsePosition(position: string): bigint {
  const commit = /^\d{20}$/.test(position) ? BigInt(position) : undefined;
  if (commit !== undefined && commit <= MAX_INT64) return commit;
  throw new LedgerError(
    "INVALID_INPUT",
    `"${position.slice(0, 40)}" is no position of this store (${POSITION_DIGITS} digits)`,
    { position },
  );
}

export function uuidMessage(id: string): UUID {
  const message = new Uuid();
  message.setString(id);
  return message;
}

/** The server writes an id as text or as two 64-bit numbers, as it pleases. */
export function readUuid(message: UUID | undefined): string {
  const structured = message?.getStructured();
  if (!structured) return message?.getString() ?? "";
  const half = (bits: string): string => BigInt.asUintN(64, BigInt(bits)).toString(16).padStart(16, "0");
  const hex = half(structured.getMostSignificantBits()) + half(structured.getLeastSignificantBits());
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export function streamIdentifier(stream: string): InstanceType<typeof StreamIdentifier> {
  const identifier = new StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream));
  return identifier;
}

/** Where in a stream or in the log; `undefined` is its first event, or backwards its last. */
export interface StreamRead {
  readonly stream: string;
  readonly from: bigint | undefined;
  readonly backwards: boolean;
  readonly maxEvents: number;
}

export interface LogRead {
  /** This position included when forwards, not when backwards. */
  readonly from: bigint | undefined;
  readonly backwards: boolean;
  readonly maxEvents: number;
  /** Filters on the server: only streams whose names begin so. */
  readonly streamPrefix: string;
}

function request(options: ReadReq.Options): ReadReq {
  const uuids = new Options.UUIDOption();
  uuids.setString(new Empty());
  options.setUuidOption(uuids);
  options.setResolveLinks(false);
  const message = new Request();
  message.setOptions(options);
  return message;
}

function stretch(options: ReadReq.Options, backwards: boolean, maxEvents: number): void {
  options.setReadDirection(backwards ? Options.ReadDirection.BACKWARDS : Options.ReadDirection.FORWARDS);
  options.setCount(String(maxEvents));
}

function streamOptions(stream: string, from: bigint | undefined, edge: "start" | "end"): ReadReq.Options.StreamOptions {
  const options = new Options.StreamOptions();
  options.setStreamIdentifier(streamIdentifier(stream));
  if (from !== undefined) options.setRevision(String(from));
  else if (edge === "end") options.setEnd(new Empty());
  else options.setStart(new Empty());
  return options;
}

function allOptions(from: bigint | undefined, edge: "start" | "end"): ReadReq.Options.AllOptions {
  const options = new Options.AllOptions();
  if (from !== undefined) {
    const position = new Options.Position();
    position.setCommitPosition(String(from));
    position.setPreparePosition(String(from));
    options.setPosition(position);
  } else if (edge === "end") options.setEnd(new Empty());
  else options.setStart(new Empty());
  return options;
}

/** After so many times {@link SEARCH_WINDOW} events that are not ours, a subscription is told how far it got. */
const SEARCH_WINDOW = 1_000;
const CHECKPOINT_INTERVAL = 10;

function only(options: ReadReq.Options, streamPrefix: string): void {
  const prefix = new Options.FilterOptions.Expression();
  prefix.setPrefixList([streamPrefix]);
  const filter = new Options.FilterOptions();
  filter.setStreamIdentifier(prefix);
  filter.setMax(SEARCH_WINDOW);
  filter.setCheckpointintervalmultiplier(CHECKPOINT_INTERVAL);
  options.setFilter(filter);
}

export function streamReadRequest({ stream, from, backwards, maxEvents }: StreamRead): ReadReq {
  const options = new Options();
  options.setStream(streamOptions(stream, from, backwards ? "end" : "start"));
  options.setNoFilter(new Empty());
  stretch(options, backwards, maxEvents);
  return request(options);
}

export function logReadRequest({ from, backwards, maxEvents, streamPrefix }: LogRead): ReadReq {
  const options = new Options();
  options.setAll(allOptions(from, backwards ? "end" : "start"));
  if (streamPrefix === "") options.setNoFilter(new Empty());
  else only(options, streamPrefix);
  stretch(options, backwards, maxEvents);
  return request(options);
}

/** After the revision; without one, from the first event on. */
export function streamSubscriptionRequest(stream: string, after: bigint | undefined): ReadReq {
  const options = new Options();
  options.setStream(streamOptions(stream, after, "start"));
  options.setNoFilter(new Empty());
  options.setSubscription(new Options.SubscriptionOptions());
  return request(options);
}

/** After the position; without one, from the first event on. */
export function logSubscriptionRequest(streamPrefix: string, after: bigint | undefined): ReadReq {
  const options = new Options();
  options.setAll(allOptions(after, "start"));
  only(options, streamPrefix);
  options.setSubscription(new Options.SubscriptionOptions());
  return request(options);
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

export type Recorded = ReadResp.ReadEvent.RecordedEvent;

/** The event in an answer; `undefined` when it holds something else (a confirmation, "no such stream"). */
export const recordedEvent = (answer: ReadResp): Recorded | undefined => answer.getEvent()?.getEvent();

/** `streamOf` gives the stream's name in the ledger. */
export const storedEvent = (event: Recorded, streamOf: (name: string) => string): StoredEvent => ({
  id: readUuid(event.getId()),
  type: event.getMetadataMap().get("type") ?? "",
  data: utf8(event.getData_asU8()),
  metadata: utf8(event.getCustomMetadata_asU8()),
  stream: streamOf(utf8(event.getStreamIdentifier()?.getStreamName_asU8() ?? new Uint8Array())),
  revision: BigInt(event.getStreamRevision()),
  position: formatPosition(event.getCommitPosition()),
});
