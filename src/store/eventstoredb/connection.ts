import type { Duplex, Readable } from "node:stream";
import { EventStoreDBClient, type SingleNodeOptions } from "@eventstore/db-client";
import { StreamsClient } from "@eventstore/db-client/generated/streams_grpc_pb.js";
import type { ReadReq, ReadResp } from "@eventstore/db-client/generated/streams_pb.js";
import type { Runtime } from "../../runtime.ts";
import type { EventStoreDbTarget } from "./connection-string.ts";
import { isNotLeader, isPassing, NoAnswer } from "./errors.ts";

export type ReadCall = ReturnType<StreamsClient["read"]>;
export type AppendCall = ReturnType<StreamsClient["batchAppend"]>;

/** Reads and appends ask the leader, subscriptions whom the connection string prefers. */
export type Asks = "leader" | "preferred node";

/**
 * The client, for what it does well: finding the leader, TLS, credentials, channels. Its calls are made here, on its
 * generated stubs, so that each is cancelled when it is done with and bounded in time.
 */
class Client extends EventStoreDBClient {
  #channel: { close(): void } | undefined;
  readonly #requiresLeader: boolean;

  constructor(target: EventStoreDbTarget, asks: Asks, keepAliveTimeout: number) {
    const settings = {
      ...target.settings,
      nodePreference: asks === "leader" ? "leader" : target.nodePreference,
      keepAliveInterval: target.keepAliveIntervalMs,
      keepAliveTimeout,
    };
    super(settings as SingleNodeOptions, target.channelCredentials, target.credentials);
    this.#requiresLeader = asks === "leader";
  }

  read(request: ReadReq): Promise<ReadCall> {
    return this.#open("read", (streams, ...how) => streams.read(request, ...how));
  }

  batchAppend(): Promise<AppendCall> {
    return this.#open("append", (streams, ...how) => streams.batchAppend(...how));
  }

  /** Lets the connection go. The client's own `dispose` would wait for streams, for ever if need be. */
  close(): void {
    this.#channel?.close();
  }

  #open<Call extends Readable | Duplex>(
    name: string,
    call: (streams: StreamsClient, ...how: ReturnType<Client["callArguments"]>) => Call,
  ): Promise<Call> {
    const open = this.GRPCStreamCreator(StreamsClient, name, (streams) => {
      this.#channel = streams.getChannel();
      const how = this.callArguments({ requiresLeader: this.#requiresLeader }, { deadline: Number.POSITIVE_INFINITY });
      return call(streams, ...how);
    });
    return open();
  }
}

let connections = 0;

/**
 * A keep-alive timeout that no other connection of this process has. grpc-js lets channels with equal settings share
 * one HTTP/2 connection: with its 100 streams, those that others leaked among them, and with its pause before it
 * connects again, which grows to two minutes.
 */
function ownKeepAliveTimeout(timeoutMs: number): number {
  connections += 1;
  return timeoutMs + connections / 1_000;
}

/** How to receive the answers of one call. */
export interface Receiving {
  /** "enough" ends the call. */
  readonly onAnswer: (answer: ReadResp) => "more" | "enough";
  readonly signal?: AbortSignal | undefined;
}

/** A call that stays open until its user cancels it. */
export interface Opened<Call> {
  readonly call: Call;
  /** The call is dead although it did not say so: what comes next goes over a new connection. */
  giveUp(): void;
}

export interface Connection {
  /** Carries out a read. Rejects with {@link NoAnswer} when the server says nothing for as long as the deadline. */
  receive(request: ReadReq, receiving: Receiving): Promise<void>;
  openSubscription(request: ReadReq): Promise<Opened<ReadCall>>;
  openAppends(): Promise<Opened<AppendCall>>;
  close(): void;
}

export function connect(target: EventStoreDbTarget, asks: Asks, runtime: Runtime): Connection {
  const newClient = (): Client => new Client(target, asks, ownKeepAliveTimeout(target.keepAliveTimeoutMs));
  let client = newClient();

  /** What comes after a failure goes over a new connection. To the leader, if the error names it: the client noted it. */
  function failed(used: Client, error: unknown): void {
    if (used !== client || !isPassing(error) || isNotLeader(error)) return;
    used.close();
    client = newClient();
  }

  /** Finding the leader may take for ever; a call that opens after all is cancelled. */
  function opened<Call extends { cancel(): void } & Readable>(
    open: (used: Client) => Promise<Call>,
  ): Promise<Opened<Call>> {
    const used = client;
    return new Promise((resolve, reject) => {
      let isLate = false;
      function giveUp(): void {
        failed(used, new NoAnswer(target.deadlineMs));
      }
      const stop = runtime.after(target.deadlineMs, () => {
        isLate = true;
        giveUp();
        reject(new NoAnswer(target.deadlineMs));
      });
      open(used).then(
        (call) => {
          stop();
          call.on("error", (error) => failed(used, error));
          if (isLate) call.cancel();
          resolve({ call, giveUp });
        },
        (error: unknown) => {
          stop();
          failed(used, error);
          reject(error);
        },
      );
    });
  }

  async function receive(request: ReadReq, { onAnswer, signal }: Receiving): Promise<void> {
    const { call, giveUp } = await opened((used) => used.read(request));
    return new Promise((resolve, reject) => {
      let answers = 0;
      let stopTimer = watch(0);

      function watch(answersBefore: number): () => void {
        return runtime.after(target.deadlineMs, () => {
          if (answers > answersBefore) {
            stopTimer = watch(answers);
          } else {
            giveUp();
            settle(() => reject(new NoAnswer(target.deadlineMs)));
          }
        });
      }
      function settle(how: () => void): void {
        stopTimer();
        signal?.removeEventListener("abort", onAbort);
        call.removeListener("data", onData);
        setImmediate(() => call.cancel()); // not within its own callback: github.com/grpc/grpc-node/issues/1652
        how();
      }
      function onData(answer: ReadResp): void {
        answers += 1;
        if (onAnswer(answer) === "enough") settle(resolve);
      }
      function onAbort(): void {
        settle(resolve);
      }
      signal?.addEventListener("abort", onAbort);
      call.on("data", onData);
      call.once("end", () => settle(resolve));
      call.once("error", (error) => settle(() => reject(error)));
      if (signal?.aborted) onAbort();
    });
  }

  return {
    receive,
    openSubscription: (request) => opened((used) => used.read(request)),
    openAppends: () => opened((used) => used.batchAppend()),
    close() {
      client.close();
    },
  };
}
