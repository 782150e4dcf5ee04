import { Readable } from "node:stream";
import accepts from "@fastify/accepts";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import type { Caller } from "../access/scopes.ts";
import type { ActiveModelsFilter } from "../audit/active-models.ts";
import { type ExportFormat, exportDeployments } from "../audit/export-deployments.ts";
import type { Verification } from "../audit/verify.ts";
import type { Deployment } from "../ledger/deployments.ts";
import { projectNotFound } from "../ledger/queries.ts";
import { ActiveModel, Deployment as DeploymentRow, pageWith, Verification as VerificationDone } from "./answers.ts";
import { noLongerAuthorized } from "./caller.ts";
import { momentOf } from "./moment.ts";
import { afterOf, cursorAfter, linkNext, pageOf } from "./paging.ts";
import { answersList, answersQuery } from "./responses.ts";
import {
  ActiveModelsQuery,
  DEFAULT_PAGE,
  DeploymentsQuery,
  OfProject,
  ProjectDeploymentsQuery,
  reading,
  VerifyQuery,
} from "./schemas.ts";
import type { HttpService } from "./service.ts";

/** What `Accept` may ask for beside a page of JSON: all rows, one after another. */
const STREAMED: Readonly<Record<string, ExportFormat>> = {
  "application/x-ndjson": "ndjson",
  "application/ndjson": "ndjson",
  "application/jsonl": "ndjson",
  "text/csv": "csv",
};
const TYPES = ["application/json", ...Object.keys(STREAMED)];

async function* visibleTo(caller: Caller, rows: AsyncIterable<Deployment>): AsyncGenerator<Deployment> {
  for await (const row of rows) if (caller.covers(row.project)) yield row;
}

/** So many rows of a download are given before its token is asked again. */
const ROWS_BETWEEN_LOOKS = 64;

/** Breaks off where the caller may read no more: an answer that does not come to its end is how HTTP says so. */
async function* whileAllowed<Row>(caller: Caller, rows: AsyncIterable<Row>): AsyncGenerator<Row> {
  let given = 0;
  for await (const row of rows) {
    if (given++ % ROWS_BETWEEN_LOOKS === 0 && !(await caller.holds())) throw noLongerAuthorized();
    yield row;
  }
}

/** What was there at first may not be: a failure must show before the answer has begun. */
async function begun<Row>(rows: AsyncIterable<Row>): Promise<AsyncIterable<Row>> {
  const iterator = rows[Symbol.asyncIterator]();
  const first = await iterator.next();
  async function* all() {
    try {
      for (let result = first; !result.done; result = await iterator.next()) yield result.value;
    } finally {
      await iterator.return?.();
    }
  }
  return all();
}

export async function auditRoutes({ app: fastify, ledger }: HttpService): Promise<void> {
  await fastify.register(accepts);
  const app = fastify.withTypeProvider<ZodTypeProvider>();
  const tags = ["audit"];

  async function deployments(
    request: FastifyRequest,
    reply: FastifyReply,
    query: z.output<typeof DeploymentsQuery>,
  ): Promise<unknown> {
    const { caller } = request;
    const { limit, cursor, min_position: _, after, ...filter } = query;
    if (filter.project !== undefined && !caller.covers(filter.project)) throw projectNotFound(filter.project);
    const from = afterOf(request, cursor) ?? after;
    const rows = ledger().deployments({
      ...filter,
      ...reading(query),
      ...(from !== undefined && { after: String(from) }),
    });
    const visible = caller.coversAll ? rows : visibleTo(caller, rows);
    const type = request.accepts().type(TYPES);
    reply.header("vary", "accept");
    const format = typeof type === "string" ? STREAMED[type] : undefined;
    if (format === undefined) {
      const page = await pageOf(visible, limit ?? DEFAULT_PAGE, ({ position }) => cursorAfter(request, position));
      linkNext(request, reply, page);
      return page;
    }
    const some = limit === undefined ? visible : upTo(limit, visible);
    const text = exportDeployments(await begun(whileAllowed(caller, some)), format);
    return reply.type(`${type}; charset=utf-8`).send(Readable.from(text, { objectMode: false }));
  }

  app.get(
    "/v1/deployments",
    {
      schema: {
        operationId: "searchDeployments",
        summary: "Deployments across projects: a page of JSON, or all of them as NDJSON or CSV by Accept",
        tags,
        querystring: DeploymentsQuery,
        response: answersList("A page, or all of them", pageWith(DeploymentRow)),
      },
    },
    async (request, reply) => deployments(request, reply, request.query),
  );

  app.get(
    "/v1/projects/:project/deployments",
    {
      schema: {
        operationId: "listDeployments",
        summary: "A project's deployments: a page of JSON, or all of them as NDJSON or CSV by Accept",
        tags,
        params: OfProject,
        querystring: ProjectDeploymentsQuery,
        response: answersList("A page, or all of them", pageWith(DeploymentRow)),
      },
    },
    async (request, reply) => deployments(request, reply, { ...request.query, project: request.params.project }),
  );

  app.get(
    "/v1/active",
    {
      schema: {
        operationId: "listActiveModels",
        summary: "What is or was serving everywhere, by project and environment",
        tags,
        querystring: ActiveModelsQuery,
        response: answersQuery("A page", pageWith(ActiveModel)),
      },
    },
    async (request, reply) => {
      const { limit = DEFAULT_PAGE, cursor, at, environment, by } = request.query;
      const { caller } = request;
      let last = afterOf(request, cursor);
      const moment = at === undefined ? undefined : momentOf(at);
      const filter = { by, ...(environment !== undefined && { environment }), ...reading(request.query) };
      const rows = ledger().activeModels({ ...filter, ...(moment && { at: moment }) } as ActiveModelsFilter);
      const nameOf = (row: { readonly environment: string; readonly project: string }) =>
        `${row.environment} ${row.project}`;
      // What was active somewhere always is: the row that the last page ended with is there.
      async function* visible() {
        for await (const row of rows) {
          if (last === undefined) {
            if (caller.covers(row.project)) yield row;
          } else if (nameOf(row) === last) last = undefined;
        }
      }
      const page = await pageOf(visible(), limit, (row) => cursorAfter(request, nameOf(row)));
      linkNext(request, reply, page);
      return page;
    },
  );

  app.get(
    "/v1/verify",
    {
      schema: {
        operationId: "verify",
        summary: "Recompute the hash chains",
        tags,
        querystring: VerifyQuery,
        response: answersQuery("What was found", VerificationDone),
      },
    },
    async (request): Promise<Verification> => {
      const { project } = request.query;
      const { caller } = request;
      const fresh = reading(request.query);
      if (project !== undefined && !caller.covers(project)) throw projectNotFound(project);
      if (project !== undefined) return ledger().verify({ project, ...fresh });
      if (caller.coversAll) return ledger().verify(fresh);
      let [events, streams] = [0, 0];
      for await (const { project: name } of ledger().projects(fresh)) {
        if (!caller.covers(name)) continue;
        const one = await ledger().verify({ project: name });
        events += one.events;
        streams += one.streams;
        if (one.firstBroken) return { ok: false, events, streams, firstBroken: one.firstBroken };
      }
      return { ok: true, events, streams };
    },
  );
}

async function* upTo<Row>(limit: number, rows: AsyncIterable<Row>): AsyncGenerator<Row> {
  let left = limit;
  for await (const row of rows) {
    yield row;
    left -= 1;
    if (left === 0) return;
  }
}
