import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openLedger } from "../../src/index.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { collect, event, listen } from "./events.ts";
import { freshCategory, skipAloud } from "./server.ts";
import { freePort, isServerOnPath, READY_MS, type ServerProcess, startProcess } from "./server-process.ts";

/** The server's own user, and its password as it comes. */
const ADMIN = "admin:changeit";
const UNAVAILABLE = { code: "STORE_UNAVAILABLE" };

const openssl = (folder: string, ...args: readonly string[]): void => {
  execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
};

function isOpensslThere(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** An authority, and a certificate for a node on loopback. */
function makeCertificates(folder: string): void {
  mkdirSync(join(folder, "ca"));
  const forever = ["-days", "30", "-nodes", "-newkey", "rsa:2048"];
  openssl(folder, "req", "-x509", ...forever, "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca/ca.crt");
  openssl(
    folder,
    "req",
    ...forever.slice(2),
    "-subj",
    "/CN=eventstoredb-node",
    "-keyout",
    "node.key",
    "-out",
    "node.csr",
  );
  writeFileSync(
    join(folder, "node.ext"),
    "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\nkeyUsage=digitalSignature,keyEncipherment\n",
  );
  const signed = ["-CA", "ca/ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile", "node.ext"];
  openssl(folder, "x509", "-req", "-in", "node.csr", ...signed, "-out", "node.crt");
}

function claims(): void {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-tls-"));
  const authority = join(folder, "ca/ca.crt");
  const trusted = `tlsCAFile=${encodeURIComponent(authority)}`;
  const category = freshCategory();
  let server: ServerProcess | undefined;
  beforeAll(async () => {
    makeCertificates(folder);
    const port = await freePort();
    const flags = [
      `--certificate-file=${join(folder, "node.crt")}`,
      `--certificate-private-key-file=${join(folder, "node.key")}`,
      `--trusted-root-certificates-path=${join(folder, "ca")}`,
    ];
    server = await startProcess({ port, flags, base: `https://${ADMIN}@127.0.0.1:${port}` });
  }, READY_MS);
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const host = (): string => `127.0.0.1:${server?.port}`;

  async function open(url: string): Promise<EventStore> {
    const store = await eventStoreDbEventStore(url, systemRuntime(), { category });
    onTestFinished(() => store.close());
    return store;
  }

  test.for(["esdb", "esdb+discover", "kurrentdb", "kurrentdb+discover"])(
    "appends, reads, follows and keeps over TLS, as a user with a password (%s://)",
    async (scheme) => {
      const store = await open(`${scheme}://${ADMIN}@${host()}?${trusted}`);
      const stream = `modelLedger-${scheme}`;
      const live = await listen(store, { after: "start", stream });
      await store.append(stream, [event(), event()], "no_stream");
      expect(await live.take(2)).toEqual(await collect(store.readStream(stream)));
      expect((await collect(store.readAll())).filter((each) => each.stream === stream)).toHaveLength(2);
      await store.keep(scheme, "1");
      expect((await store.kept(scheme))?.value).toBe("1");
    },
  );

  test("a password may hold any character", async () => {
    const password = "p@ss:w/rd?%#é";
    expect(await createUser(server?.port ?? 0, readFileSync(authority), password)).toBe(201);
    const store = await open(`esdb://ann:${encodeURIComponent(password)}@${host()}?${trusted}`);
    await store.append("modelLedger-ann", [event()], "no_stream");
    expect(await collect(store.readStream("modelLedger-ann"))).toHaveLength(1);
  });

  test("a wrong password is STORE_UNAVAILABLE, and named nowhere", async () => {
    const error: unknown = await open(`esdb://admin:not-this-one@${host()}?${trusted}`).catch(
      (refusal: unknown) => refusal,
    );
    expect(error).toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining("does not let this user in") });
    expect(String(error)).toContain(host());
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain("not-this-one");
  });

  test("no user at all is STORE_UNAVAILABLE, at the latest when something is written", async () => {
    const writing = open(`esdb://${host()}?${trusted}`).then((store) =>
      store.append("modelLedger-nobody", [event()], "no_stream"),
    );
    await expect(writing).rejects.toMatchObject(UNAVAILABLE);
  });

  test.for([
    ["an authority that is not known", () => `esdb://${ADMIN}@${host()}?defaultDeadline=2000`],
    ["no TLS", () => `esdb://${ADMIN}@${host()}?tls=false&defaultDeadline=2000`],
  ] as const)("with %s it is STORE_UNAVAILABLE in bounded time", async ([, url]) => {
    const start = performance.now();
    await expect(open(url())).rejects.toMatchObject(UNAVAILABLE);
    expect(performance.now() - start).toBeLessThan(15_000);
  });

  test("tlsVerifyCert=false trusts whoever answers", async () => {
    const store = await open(`esdb://${ADMIN}@${host()}?tlsVerifyCert=false`);
    expect((await store.append("modelLedger-trusting", [event()], "no_stream")).revision).toBe(0n);
  });

  test("the ledger works on it by the connection string alone", async () => {
    await using ledger = await openLedger(`esdb+discover://${ADMIN}@${host()}?${trusted}`);
    await ledger.recordTraining({ project: "Digits", task: "regression", algorithm: "linear", metrics: { r2: 0.9 } });
    expect(await ledger.activeModel("Digits")).toMatchObject({ version: 1 });
  });
}

/** Over the server's HTTP: gives the status. */
function createUser(port: number, ca: Buffer, password: string): Promise<number | undefined> {
  const user = { loginName: "ann", fullName: "Ann", groups: ["$admins"], password };
  const options = { ca, method: "POST", auth: ADMIN, headers: { "content-type": "application/json" } };
  return new Promise((resolve, reject) => {
    const asking = request(`https://127.0.0.1:${port}/users`, options, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asking.on("error", reject);
    asking.end(JSON.stringify(user));
  });
}

if (isServerOnPath() && isOpensslThere()) describe("on an EventStoreDB with TLS:", claims);
else skipAloud("no eventstored or no openssl on the PATH, for TLS", claims);
