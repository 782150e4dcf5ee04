import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { RecordedEvent } from "../events/events.ts";
import { streamOf } from "../events/names.ts";
import { projectNotFound } from "../ledger/queries.ts";
import { Recorded } from "./answers.ts";
import type { EventStreams } from "./event-streams.ts";
import { BEGINNING } from "./live-events.ts";
import { ResumeHeaders } from "./preconditions.ts";
import { answersEvents } from "./responses.ts";
import { EventsQuery } from "./schemas.ts";
import type { HttpService } from "./service.ts";
import { EventStream } from "./sse.ts";

/** The log as server-sent events: what came after a position, then what comes. */
export function eventsRoute({ app: fastify, ledger, draining }: HttpService, streams: EventStreams): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/v1/events",
    {
      config: { rateLimit: false },
      schema: {
        operationId: "subscribe",
        summary: "Events as they are recorded (SSE); `id` is the position, Last-Event-ID resumes after it",
        tags: ["events"],
        querystring: EventsQuery,
        headers: ResumeHeaders,
        response: answersEvents(Recorded),
      },
    },
    async (request, reply) => {
      const { project, type: types, from = "end" } = request.query;
      const { caller } = request;
      if (project !== undefined && !caller.covers(project)) throw projectNotFound(project);
      const lastEventId = request.headers["last-event-id"];
      const asked = lastEventId === undefined || lastEventId === "" ? from : String(lastEventId);
      if (asked !== "start" && asked !== "end") ledger().checkPosition(asked); // refuses what is no position
      // "end" becomes a place in the log before the answer begins: what is recorded after that is in the stream.
      const head = (await ledger().head()) ?? BEGINNING;
      const after = asked === "end" ? head : asked === "start" ? BEGINNING : asked;

      if (after !== BEGINNING) reply.header("last-event-id", after);
      if (request.method === "HEAD") return reply.type("text/event-stream; charset=utf-8").send();
      reply.hijack();
      const stream = new EventStream(reply.raw, reply.getHeaders(), caller);
      const only = project && streamOf(project);
      const isWanted = ({ stream: recordedIn, type, data }: RecordedEvent): boolean =>
        (only === undefined || recordedIn === only) &&
        (types === undefined || types.includes(type)) &&
        caller.covers(data.project);
      try {
        stream.open(after, head);
        await streams.send(stream, { after, project, isWanted }, head);
        stream.end(draining.aborted ? "draining" : "closed");
      } catch (error) {
        request.log.error({ requestId: request.id, err: error }, "event stream failed");
        stream.end("failed");
      }
      return reply;
    },
  );
}
