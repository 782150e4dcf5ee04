import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { type ActiveAnswer, ActiveAnswers, matchingTag } from "./active-answers.ts";
import {
  ActiveModel,
  Explanation,
  Place,
  Policy,
  Project,
  pageWith,
  Stretch,
  TrainedModel,
  TrainingExplanation,
} from "./answers.ts";
import { afterOf, cursorAfter, linkNext, pageIn, pageOf } from "./paging.ts";
import { KnownHeaders } from "./preconditions.ts";
import { answersQuery, answersUnlessKnown } from "./responses.ts";
import {
  ActiveQuery,
  DEFAULT_PAGE,
  ExplanationQuery,
  LeaderboardQuery,
  ModelsQuery,
  OfDeployment,
  OfModel,
  OfProject,
  PageQuery,
  ReadQuery,
  reading,
  TimelineQuery,
} from "./schemas.ts";
import type { HttpService } from "./service.ts";

const JSON_TYPE = "application/json; charset=utf-8";

/** Questions about one project, and the list of all. */
export function queryRoutes({ app: fastify, ledger }: HttpService): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>();
  const tags = ["queries"];
  const answers = new ActiveAnswers();

  app.get(
    "/v1/projects",
    {
      schema: {
        operationId: "listProjects",
        summary: "The projects, in the order of their beginnings",
        tags,
        querystring: PageQuery,
        response: answersQuery("A page", pageWith(Project)),
      },
    },
    async (request, reply) => {
      const { limit = DEFAULT_PAGE, cursor } = request.query;
      const skipped = Number(afterOf(request, cursor) ?? 0);
      let place = 0;
      const places: number[] = [];
      const { caller } = request;
      async function* visible() {
        for await (const project of ledger().projects(reading(request.query))) {
          place += 1;
          if (place <= skipped || !caller.covers(project.project)) continue;
          places.push(place);
          yield project;
        }
      }
      const page = await pageOf(visible(), limit, (_, index) => cursorAfter(request, places[index] ?? place));
      linkNext(request, reply, page);
      return page;
    },
  );

  app.get(
    "/v1/projects/:project",
    {
      schema: {
        operationId: "getProject",
        summary: "A project and what is active in it",
        tags,
        params: OfProject,
        querystring: ReadQuery,
        response: answersQuery("The project", Project),
      },
    },
    async (request) => {
      return ledger().project(request.params.project, reading(request.query));
    },
  );

  app.get(
    "/v1/projects/:project/policy",
    {
      schema: {
        operationId: "getPolicy",
        summary: "The policy in force",
        tags,
        params: OfProject,
        querystring: ReadQuery,
        response: answersQuery("Defaults filled in", Policy),
      },
    },
    async (request, reply) => {
      const { policy, revision } = await ledger().project(request.params.project, reading(request.query));
      reply.header("etag", `"${revision}"`);
      return policy;
    },
  );

  app.get(
    "/v1/projects/:project/active",
    {
      schema: {
        operationId: "getActiveModel",
        summary: "What is serving, or was at a moment",
        description:
          "The ETag is the project's revision: it can go back as If-None-Match, or as If-Match of a command.",
        tags,
        params: OfProject,
        querystring: ActiveQuery,
        headers: KnownHeaders,
        response: answersUnlessKnown("The active model", ActiveModel),
      },
    },
    (request, reply) => {
      const answered = (answer: ActiveAnswer) => {
        reply.header("cache-control", "no-cache");
        const matching = matchingTag(request.headers["if-none-match"], answer);
        if (matching !== undefined) return reply.code(304).header("etag", matching).send();
        return reply.header("etag", `"${answer.revision}"`).type(JSON_TYPE).send(answer.text);
      };
      const answer = answers.to(ledger(), request.params.project, request.query, request.asOf);
      if (answer instanceof Promise) return answer.then(answered);
      answered(answer); // and no promise: it would cost more than the look
      return undefined;
    },
  );

  app.get(
    "/v1/projects/:project/models",
    {
      schema: {
        operationId: "listModels",
        summary: "The project's models, by version",
        tags,
        params: OfProject,
        querystring: ModelsQuery,
        response: answersQuery("A page", pageWith(TrainedModel)),
      },
    },
    async (request, reply) => {
      const { limit = DEFAULT_PAGE, cursor, min_position: _, after: from = 0, ...filter } = request.query;
      const after = Number(afterOf(request, cursor) ?? from);
      const rows = ledger().models(request.params.project, {
        ...filter,
        ...reading(request.query),
        after,
        limit: limit + 1,
      });
      const page = await pageOf(rows, limit, ({ version }) => cursorAfter(request, version));
      linkNext(request, reply, page);
      return page;
    },
  );

  app.get(
    "/v1/projects/:project/models/:model",
    {
      schema: {
        operationId: "getModel",
        summary: "One model, by its version or its id",
        tags,
        params: OfModel,
        querystring: ReadQuery,
        response: answersQuery("The model", TrainedModel),
      },
    },
    async (request) => {
      const { project, model } = request.params;
      return ledger().model(project, model, reading(request.query));
    },
  );

  app.get(
    "/v1/projects/:project/models/:model/explanation",
    {
      schema: {
        operationId: "explainTraining",
        summary: "Why a training deployed its model at once, or why not",
        tags,
        params: OfModel,
        querystring: ReadQuery,
        response: answersQuery("The explanation", TrainingExplanation),
      },
    },
    async (request) => {
      const { project, model } = request.params;
      const which = typeof model === "number" ? { version: model } : { modelId: model };
      return ledger().explain({ project, ...which, ...reading(request.query) });
    },
  );

  app.get(
    "/v1/projects/:project/leaderboard",
    {
      schema: {
        operationId: "getLeaderboard",
        summary: "The models that could be deployed, best first",
        tags,
        params: OfProject,
        querystring: LeaderboardQuery,
        response: answersQuery("A page", pageWith(Place)),
      },
    },
    async (request, reply) => {
      const { limit = DEFAULT_PAGE, cursor, min_position: _, ...filter } = request.query;
      const places = await ledger().leaderboard(request.params.project, {
        ...filter,
        ...reading(request.query),
        ...(cursor === undefined && { limit: limit + 1 }),
      });
      const page = pageIn(request, places, { limit, cursor }, ({ version }) => version);
      linkNext(request, reply, page);
      return page;
    },
  );

  app.get(
    "/v1/projects/:project/deployments/:number/explanation",
    {
      schema: {
        operationId: "explainDeployment",
        summary: "Why a deployment happened, as data and in a sentence",
        tags,
        params: OfDeployment,
        querystring: ExplanationQuery,
        response: answersQuery("The explanation", Explanation),
      },
    },
    async (request) => {
      const { environment } = request.query;
      const { project, number } = request.params;
      const which = typeof number === "number" ? { number } : { deploymentId: number };
      const where = environment === undefined ? {} : { environment };
      return ledger().explain({ project, ...which, ...where, ...reading(request.query) });
    },
  );

  app.get(
    "/v1/projects/:project/timeline",
    {
      schema: {
        operationId: "getTimeline",
        summary: "From when to when each deployment served",
        tags,
        params: OfProject,
        querystring: TimelineQuery,
        response: answersQuery("A page", pageWith(Stretch)),
      },
    },
    async (request, reply) => {
      const { limit = DEFAULT_PAGE, cursor, min_position: _, ...options } = request.query;
      const entries = await ledger().timeline(request.params.project, { ...options, ...reading(request.query) });
      const page = pageIn(request, entries, { limit, cursor }, ({ deployment }) => deployment.number);
      linkNext(request, reply, page);
      return page;
    },
  );
}
