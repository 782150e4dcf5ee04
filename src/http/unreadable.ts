import { maxHeaderSize, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Connections } from "./connections.ts";
import { jsonOf } from "./json.ts";
import { type Failure, PROBLEM_TYPE, type Problem, problem } from "./problem.ts";
import { SAFETY_OF_DATA } from "./safety-headers.ts";

/** What Node's parser stops at (https://nodejs.org/api/http.html#event-clienterror), in the ledger's words. */
const FAILURES: Readonly<Record<string, Failure>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: "TOO_LARGE",
    detail: `the address and the headers together are larger than ${maxHeaderSize / 1_024} KiB: send shorter ones`,
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    code: "TOO_LARGE",
    detail: "the chunks of the body have longer extensions than this service takes: send them without",
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: "REQUEST_TIMEOUT",
    detail: "the request did not arrive in time: send it again",
  },
};

interface ParserError extends NodeJS.ErrnoException {
  /** The parser's own words. */
  readonly reason?: string;
}

/** `undefined` where not the request is wrong but the connection. */
function failureOf({ code = "", reason = code }: ParserError): Failure | undefined {
  const known = FAILURES[code];
  if (known || !code.startsWith("HPE_")) return known;
  const detail = `this is not a well-formed HTTP/1.1 request (${reason}): check its first line and headers, and that it is http, not https`;
  return { status: 400, code: "INVALID_INPUT", detail };
}

/**
 * Answers what cannot be read as a request, which never becomes one for the framework, and ends its connection.
 * @param tell is given what was answered.
 */
export function unreadableAnswerer(
  connections: Connections,
  newRequestId: () => string,
  tell: (problem: Problem) => void,
): (error: ParserError, socket: Socket) => void {
  return (error, socket) => {
    const failure = failureOf(error);
    if (failure && connections.isFree(socket)) {
      const answer = problem(failure, newRequestId());
      socket.write(textOf(answer));
      tell(answer);
    }
    socket.destroySoon();
  };
}

function textOf(answer: Problem): string {
  const body = jsonOf(answer);
  const headers = {
    ...SAFETY_OF_DATA,
    "x-request-id": answer.requestId,
    "cache-control": "no-store",
    "content-type": PROBLEM_TYPE,
    "content-length": Buffer.byteLength(body),
    date: new Date().toUTCString(),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`, ...lines, "", body].join("\r\n");
}
