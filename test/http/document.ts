import { Ajv2020 } from "ajv/dist/2020.js";
import type { FastifyInstance } from "fastify";
import { expect } from "vitest";

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly security: readonly { readonly token?: readonly string[] }[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, object>> }>>;
}

export interface Document {
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const compiled = new WeakMap<FastifyInstance, Ajv2020>();

function validatorOf(app: FastifyInstance, document: object): Ajv2020 {
  const known = compiled.get(app);
  if (known) return known;
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(document, "document");
  compiled.set(app, ajv);
  return ajv;
}

const escaped = (name: string): string => encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"));

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** Every answer of a documented operation is one that the service's own document shows: status, type and body. */
export function expectDocumented(app: FastifyInstance, method: string, url: string, answer: Answered): void {
  const document = app.swagger() as object as Document;
  const path = url.split("?", 1)[0] ?? "";
  const template = Object.keys(document.paths).find((known) =>
    new RegExp(`^${known.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path),
  );
  const operation = template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
  if (template === undefined || operation === undefined) return;
  const { status, body } = answer;
  const shown = operation.responses[String(status)];
  expect(shown, `${operation.operationId} may answer ${status}`).toBeDefined();
  const [type = ""] = String(answer.headers["content-type"] ?? "").split(";", 1);
  if (type === "") return;
  expect(Object.keys(shown?.content ?? {}), `${operation.operationId} ${status}`).toContain(type);
  if (!/[/+]json$/.test(type)) return;
  const at = ["paths", template, method.toLowerCase(), "responses", String(status), "content", type, "schema"];
  const validate = validatorOf(app, document).getSchema(`document#/${at.map(escaped).join("/")}`);
  validate?.(body);
  expect(validate?.errors, `${operation.operationId} ${status}`).toBeNull();
}
