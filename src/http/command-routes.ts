import type { FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import type {
  DeployInput,
  PromoteInput,
  RecordTrainingInput,
  RetireModelInput,
  SetPolicyInput,
} from "../api/ledger.ts";
import { projectPath } from "../api/project-path.ts";
import { PolicyInput } from "../domain/commands.ts";
import { LedgerError } from "../errors.ts";
import { DeploymentDone, PolicyDone, RetirementDone, TrainingDone } from "./answers.ts";
import { CommandHeaders, fromHeaders } from "./preconditions.ts";
import { answersCommand, answersDeployment } from "./responses.ts";
import {
  DeploymentBody,
  NoQuery,
  OfModel,
  OfProject,
  PolicyBody,
  PromotionBody,
  ReinstateQuery,
  RetirementBody,
  TrainingBody,
} from "./schemas.ts";
import type { HttpService } from "./service.ts";

type Fields = Readonly<Record<string, unknown>>;

function bodyOf({ body }: FastifyRequest): Fields {
  const fields = body ?? {}; // none at all: a JSON null is refused before
  // The schemas pass over this one name, where they refuse all others that they do not know.
  if (Object.hasOwn(fields, "__proto__")) throw badField("__proto__", "is not known here");
  return fields as Fields;
}

function badField(path: string, message: string): LedgerError {
  return new LedgerError("INVALID_INPUT", `invalid body: ${path}: ${message}`, { issues: [{ path, message }] });
}

/** A token's commands are its own: nobody speaks for somebody else. */
function actorOf({ caller }: FastifyRequest, { actor }: Fields): Fields {
  if (caller.name === undefined) return {};
  if (actor === undefined || actor === caller.name) return { actor: caller.name };
  throw new LedgerError(
    "FORBIDDEN",
    `the token "${caller.name}" cannot give commands as ${JSON.stringify(actor)}: leave actor out`,
    { token: caller.name, actor },
  );
}

/** Body, path and headers as one command. The ledger itself validates it, by the schemas that the routes show. */
function commandOf<Input>(request: FastifyRequest, body: Fields, path: Fields): Input {
  for (const field of Object.keys(path)) {
    if (Object.hasOwn(body, field)) throw badField(field, "is said by the path already: leave it out of the body");
  }
  return { ...body, ...fromHeaders(request, body), ...actorOf(request, body), ...path } as Input;
}

const POLICY_FIELDS = new Set(Object.keys(PolicyInput.shape));

/** The fields of a policy at the top, beside reason and the like, become `policy`. */
function policyBodyOf(request: FastifyRequest): Fields {
  const body = bodyOf(request);
  if (Object.hasOwn(body, "policy")) return body;
  const entries = Object.entries(body);
  return {
    ...Object.fromEntries(entries.filter(([name]) => !POLICY_FIELDS.has(name))),
    policy: Object.fromEntries(entries.filter(([name]) => POLICY_FIELDS.has(name))),
  };
}

export function commandRoutes({ app: fastify, ledger }: HttpService): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>();
  const tags = ["commands"];

  app.post(
    "/v1/projects/:project/models",
    {
      config: { needs: "train", command: "RecordTraining" },
      schema: {
        operationId: "recordTraining",
        summary: "Record a training",
        tags,
        params: OfProject,
        querystring: NoQuery,
        headers: CommandHeaders,
        body: TrainingBody,
        response: answersDeployment(TrainingDone),
      },
    },
    async (request, reply) => {
      const { project } = request.params;
      const input = commandOf<RecordTrainingInput>(request, bodyOf(request), { project });
      const result = await ledger().recordTraining(input);
      if (!result.dryRun) reply.code(201).header("location", `${projectPath(project)}/models/${result.version}`);
      return result;
    },
  );

  app.post(
    "/v1/projects/:project/deployments",
    {
      config: { needs: "deploy", command: "Deploy" },
      schema: {
        operationId: "deploy",
        summary: "Deploy a model by a strategy",
        tags,
        params: OfProject,
        querystring: NoQuery,
        headers: CommandHeaders,
        body: DeploymentBody,
        response: answersDeployment(DeploymentDone),
      },
    },
    async (request, reply) => {
      const { project } = request.params;
      const result = await ledger().deploy(commandOf<DeployInput>(request, bodyOf(request), { project }));
      if (!result.dryRun) reply.code(201).header("location", whyOf(result));
      return result;
    },
  );

  app.post(
    "/v1/projects/:project/promotions",
    {
      config: { needs: "deploy", command: "Promote" },
      schema: {
        operationId: "promote",
        summary: "Deploy into one environment what is active in another",
        tags,
        params: OfProject,
        querystring: NoQuery,
        headers: CommandHeaders,
        body: PromotionBody,
        response: answersDeployment(DeploymentDone),
      },
    },
    async (request, reply) => {
      const { project } = request.params;
      const result = await ledger().promote(commandOf<PromoteInput>(request, bodyOf(request), { project }));
      if (!result.dryRun) reply.code(201).header("location", whyOf(result));
      return result;
    },
  );

  app.put(
    "/v1/projects/:project/policy",
    {
      config: { needs: "admin", command: "SetPolicy" },
      schema: {
        operationId: "setPolicy",
        summary: "Merge fields into the project's policy; null takes one back to its default",
        tags,
        params: OfProject,
        querystring: NoQuery,
        headers: CommandHeaders,
        body: PolicyBody,
        response: answersCommand(PolicyDone),
      },
    },
    async (request) => {
      const { project } = request.params;
      return ledger().setPolicy(commandOf<SetPolicyInput>(request, policyBodyOf(request), { project }));
    },
  );

  app.post(
    "/v1/projects/:project/models/:model/retirement",
    {
      config: { needs: "deploy", command: "RetireModel" },
      schema: {
        operationId: "retireModel",
        summary: "Take a model out of the running; where it is active it stays so until the next deployment",
        tags,
        params: OfModel,
        querystring: NoQuery,
        headers: CommandHeaders,
        body: RetirementBody,
        response: answersCommand(RetirementDone),
      },
    },
    async (request) => {
      const { project, model } = request.params;
      return ledger().retireModel(commandOf<RetireModelInput>(request, bodyOf(request), { project, model }));
    },
  );

  app.delete(
    "/v1/projects/:project/models/:model/retirement",
    {
      config: { needs: "deploy", command: "ReinstateModel" },
      schema: {
        operationId: "reinstateModel",
        summary: "Let a retired model qualify again",
        tags,
        params: OfModel,
        querystring: ReinstateQuery,
        headers: CommandHeaders,
        body: RetirementBody,
        response: answersCommand(RetirementDone),
      },
    },
    async (request) => {
      const { project, model } = request.params;
      // Many clients send no body with DELETE: the reason may come in the query.
      const body = { ...withReason(request.query), ...bodyOf(request) };
      return ledger().reinstateModel(commandOf<RetireModelInput>(request, body, { project, model }));
    },
  );
}

const withReason = ({ reason }: z.output<typeof ReinstateQuery>): Fields => (reason === undefined ? {} : { reason });

function whyOf({ project, number, environment }: { project: string; number: number; environment: string }): string {
  return `${projectPath(project)}/deployments/${number}/explanation?environment=${environment}`;
}
