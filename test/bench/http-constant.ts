import Fastify from "fastify";

/**
 * The framework of the service with one route that answers with a constant: no plugin, no hook, no log.
 * `argv[2]`: the constant as JSON; `argv[3]`: headers to send with it, as JSON, none by default.
 */
const constant: unknown = JSON.parse(process.argv[2] ?? "{}");
const headers = JSON.parse(process.argv[3] ?? "{}") as Readonly<Record<string, string>>;
const app = Fastify();
app.get("/v1/projects/:project/active", async (_, reply) => {
  reply.headers(headers);
  return constant;
});
console.log(JSON.stringify({ url: await app.listen({ port: 0, host: "127.0.0.1" }) }));
process.on("SIGTERM", () => app.close());
