import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { PROBLEM_TYPE, Problem } from "../../src/http/problem.ts";
import { SAFETY_OF_DATA } from "../../src/http/safety-headers.ts";
import { listening, serviceOn } from "./service.ts";

/** A service that is asked through bare sockets. */
async function listeningService(hosts?: readonly string[]) {
  const { logger, lines } = listening();
  const service = await serviceOn({ logger, ...(hosts && { hosts }) });
  onTestFinished(() => service[Symbol.asyncDispose]());
  const { port } = new URL(await service.app.listen({ port: 0, host: "127.0.0.1" }));
  const dial = () => connect(Number(port), "127.0.0.1");
  /** All that comes until the service ends the connection. */
  const exchange = (request: string): Promise<string> => {
    const socket = dial();
    socket.write(request);
    return text(socket);
  };
  return { service, dial, exchange, lines };
}

/** The one answer that `received` is. */
function answerIn(received: string) {
  const [head = "", body = "", ...more] = received.split("\r\n\r\n");
  expect(more).toEqual([]);
  const [statusLine = "", ...fields] = head.split("\r\n");
  const headers = Object.fromEntries(fields.map((field) => field.split(": ", 2) as [string, string]));
  expect(headers["content-length"]).toBe(String(Buffer.byteLength(body)));
  return { statusLine, headers, problem: Problem.parse(JSON.parse(body)) };
}

const GET = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
const CHUNKED =
  "POST /v1/projects/P/models HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
const TOO_LONG = "x".repeat(20_000);

test.each([
  [
    "a URL that is too long",
    `GET /${TOO_LONG} HTTP/1.1\r\n`,
    "431 Request Header Fields Too Large",
    "TOO_LARGE",
    /16 KiB/,
  ],
  [
    "a header that is too long",
    `${GET}A: ${TOO_LONG}\r\n\r\n`,
    "431 Request Header Fields Too Large",
    "TOO_LARGE",
    /16 KiB/,
  ],
  ["no HTTP at all", "\u0016\u0003\u0001\r\n\r\n", "400 Bad Request", "INVALID_INPUT", /https/],
  ["a header without a colon", `${GET}A\r\n\r\n`, "400 Bad Request", "INVALID_INPUT", /header/],
  ["a chunk without a size", `${CHUNKED}zz\r\n`, "400 Bad Request", "INVALID_INPUT", /chunk/],
])("%s is a problem as any other, logged and counted", async (_, request, status, code, detail) => {
  const { service, exchange, lines } = await listeningService();
  const { statusLine, headers, problem } = answerIn(await exchange(request));
  expect(statusLine).toBe(`HTTP/1.1 ${status}`);
  expect(problem).toMatchObject({ status: Number(status.slice(0, 3)), code, detail: expect.stringMatching(detail) });
  const marks = { ...SAFETY_OF_DATA, "x-request-id": problem.requestId, "cache-control": "no-store" };
  expect(headers).toMatchObject({ ...marks, "content-type": PROBLEM_TYPE, connection: "close" });
  const line = { requestId: problem.requestId, status: problem.status, code, detail: problem.detail };
  expect(lines).toContainEqual([line, "answered"]);
  const counted = `http_requests_total{method="unknown",route="unknown",status="${problem.status}"} 1`;
  expect((await service.ask("GET", "/metrics")).text).toContain(counted);
});

test.each([
  ["GET /healthz HTTP/1.0", "200 OK"],
  ["GET /v1/projects HTTP/1.0", "403 Forbidden"],
  ["GET /nothing HTTP/1.0", "403 Forbidden"],
  ["GET /healthz HTTP/1.0\r\nHost: evil.example", "403 Forbidden"],
  ["GET /healthz HTTP/1.0\r\nHost:", "403 Forbidden"],
  ["GET /healthz HTTP/1.1\r\nConnection: close", "400 Bad Request"],
])("on a service with names of its own, %j is %s", async (request, status) => {
  const { exchange } = await listeningService(["localhost"]);
  for (const before of ["GET /readyz HTTP/1.0", request]) await exchange(`${before}\r\n\r\n`);
  const received = await exchange(`${request}\r\n\r\n`);
  expect(received).toMatch(`HTTP/1.1 ${status}\r\n`);
  if (status !== "200 OK") expect(received.toLowerCase()).toContain(`content-type: ${PROBLEM_TYPE}`);
});

test("any name but none is good for a service without one, and HTTP/1.0 needs none", async () => {
  const { exchange } = await listeningService();
  expect(await exchange("GET /v1/projects HTTP/1.0\r\n\r\n")).toMatch("HTTP/1.1 200 OK");
  expect(answerIn(await exchange("GET /v1/projects HTTP/1.1\r\nConnection: close\r\n\r\n")).problem.detail).toMatch(
    "Host",
  );
});

test("what comes after requests that were answered is answered too", async () => {
  const { dial } = await listeningService();
  const socket = dial();
  socket.setEncoding("utf8");
  socket.write(`${GET}\r\n`);
  const [first] = (await once(socket, "data")) as [string];
  expect(first).toMatch(/^HTTP\/1\.1 200 /);
  socket.write("nonsense\r\n\r\n");
  expect(answerIn(await text(socket)).problem.status).toBe(400);
});

test("an answer that is owed or under way is not mistaken for another", async () => {
  const { service, exchange } = await listeningService();
  const stream = await exchange("GET /v1/events?from=start HTTP/1.1\r\nHost: localhost\r\n\r\nnonsense\r\n\r\n");
  expect(stream).not.toContain("400 Bad Request");
  const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>();
  service.ledger.head = () => new Promise(asked as () => void); // never answers
  const waiting = exchange("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\nnonsense\r\n\r\n");
  await isAsked;
  expect(await waiting).toBe("");
});

test("a request that does not come to its end is told so; a connection that broke is not", async () => {
  const { service, dial } = await listeningService();
  for (const [code, expected] of [
    ["ERR_HTTP_REQUEST_TIMEOUT", /^HTTP\/1\.1 408 Request Timeout\r\n/],
    ["ECONNRESET", /^$/],
  ] as const) {
    const accepted = once(service.app.server, "connection") as Promise<[Socket]>;
    const received = text(dial());
    const [socket] = await accepted;
    service.app.server.emit("clientError", Object.assign(new Error(code), { code }), socket);
    expect(await received).toMatch(expected);
  }
});
