import Fastify from "fastify";

/** The framework of the service with one route that answers with a constant: no plugin, no hook, no log. */
const constant: unknown = JSON.parse(process.argv[2] ?? "{}");
const app = Fastify();
app.get("/v1/projects/:project/active", async () => constant);
console.log(JSON.stringify({ url: await app.listen({ port: 0, host: "127.0.0.1" }) }));
process.on("SIGTERM", () => app.close());
