import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { projectNotFound } from "../ledger/queries.ts";
import { Recorded } from "./answers.ts";
import { ResumeHeaders } from "./preconditions.ts";
import { answersEvents } from "./responses.ts";
import { EventsQuery } from "./schemas.ts";
import type { HttpService } from "./service.ts";
import { EventStream, type EventStreams, frameOf } from "./sse.ts";

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
      if (asked !== "start" && asked !== "end") await ledger().checkPosition(asked); // refuses what is no position
      // "end" becomes a place in the log before the answer begins: what is recorded after that is in the stream.
      const after = asked === "end" ? ((await ledger().head()) ?? "start") : asked;
      const leaving = new AbortController();
      const signal = AbortSignal.any([leaving.signal, draining]);
      const events = ledger().feed({
        from: after,
        ...(project !== undefined && { project }),
        ...(types !== undefined && { types }),
        signal,
      });

      if (after !== "start") reply.header("last-event-id", after);
      if (request.method === "HEAD") return reply.type("text/event-stream; charset=utf-8").send();
      reply.hijack();
      const stream = new EventStream(reply.raw, reply.getHeaders(), caller.holds, () => leaving.abort());
      streams.add(stream);
      try {
        stream.open(after === "start" ? undefined : after);
        for await (const event of events) {
          if (!caller.covers(event.data.project)) continue;
          // Hundreds may read, and to wait costs each of them: it is done only for what is not there yet.
          const isAllowed = stream.isAllowed();
          if (!(typeof isAllowed === "boolean" ? isAllowed : await isAllowed)) break;
          const room = stream.write(frameOf(event));
          if (room !== undefined) await room;
          if (signal.aborted) break;
        }
        stream.end(draining.aborted ? "draining" : "closed");
      } catch (error) {
        request.log.error({ requestId: request.id, err: error }, "event stream failed");
        stream.end("failed");
      } finally {
        streams.delete(stream);
      }
      return reply;
    },
  );
}
