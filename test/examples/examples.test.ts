import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { receiver } from "../subscriptions/receiver.ts";

/** Each example is run as its reader would run it, against a ledger that is served. */
const root = join(import.meta.dirname, "../..");
const bin = join(root, "bin/model-ledger.js");
const examples = join(root, "examples");
const PATIENCE = { timeout: 60_000 };

const has = (program: string): boolean => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

/** Says aloud what cannot be run here. */
function needing(...programs: readonly string[]) {
  const missing = programs.filter((program) => !has(program));
  if (missing.length > 0) console.warn(`SKIPPED: an example that needs ${missing.join(" and ")} on the PATH`);
  return test.skipIf(missing.length > 0);
}

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly lines: readonly string[];
}

/** Starts a program that says in its first line where it listens. */
async function started(
  command: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const child = spawn(command, argv, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  const reading = createInterface(child.stdout);
  reading.on("line", (line) => lines.push(line));
  while (!lines.some((line) => line.includes("http://"))) await once(reading, "line");
  const url = /http:\/\/[\d.]+:\d+/.exec(lines.join(" "))?.[0] ?? "";
  return { child, url, lines };
}

async function served() {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-examples-"));
  const store = `sqlite:${join(folder, "ledger.db")}`;
  const { url, child } = await started(process.execPath, [bin, "--store", store, "serve", "--port", "0"]);
  return { folder, store, url, child };
}

const answerOf = async (url: string): Promise<unknown> => (await fetch(url)).json();

function run(command: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}, cwd?: string) {
  const { status, stdout, stderr } = spawnSync(command, argv, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
  });
  return { status, stdout, stderr };
}

/** What the GitHub Actions step runs. */
function actionStep(): string {
  const script = /^ {6}run: \|\n((?: {8}.*\n?)+)/m.exec(
    readFileSync(join(examples, "github-action/action.yml"), "utf8"),
  );
  return (script?.[1] ?? "").replaceAll(/^ {8}/gm, "");
}

const jobEnvironment = (folder: string, env: Readonly<Record<string, string>>) => ({
  TOKEN: "",
  TASK: "classification",
  ALGORITHM: "svm",
  METRICS_FILE: join(folder, "metrics.json"),
  ARTIFACT_URI: "s3://models/1",
  GITHUB_SHA: "abc",
  GITHUB_RUN_ID: "77",
  GITHUB_JOB: "train",
  GITHUB_OUTPUT: join(folder, "output"),
  GITHUB_STEP_SUMMARY: join(folder, "summary"),
  ...env,
});

describe("examples", () => {
  needing("python3")("train.py records a training, once a run, and the ledger decides", async () => {
    const { url, folder } = await served();
    const out = join(folder, "model.json");
    const trained = (...argv: string[]) =>
      run("python3", [join(examples, "train.py"), "Di gits/1", "--url", url, "--out", out, ...argv]);
    const first = trained("--epochs", "30", "--run-id", "one");
    expect([first.status, JSON.parse(first.stdout)]).toMatchObject([
      0,
      { project: "Di gits/1", version: 1, deployed: true },
    ]);
    expect(JSON.parse(trained("--epochs", "30", "--run-id", "one").stdout)).toEqual(JSON.parse(first.stdout));
    expect(JSON.parse(trained("--epochs", "30", "--run-id", "two").stdout)).toMatchObject({
      version: 2,
      deployed: false,
    });
    expect(await answerOf(`${url}/v1/projects/${encodeURIComponent("Di gits/1")}/active`)).toMatchObject({
      version: 1,
      algorithm: "logistic_regression",
      artifact: { uri: `file://${out}`, digest: expect.stringMatching(/^sha256:/) },
    });
    const reused = trained("--epochs", "31", "--run-id", "one");
    expect([reused.status, reused.stderr]).toEqual([1, expect.stringContaining("COMMAND_REUSED")]);
  });

  needing(
    "bash",
    "curl",
    "jq",
  )("the GitHub Actions step records a training, and a job run again records nothing", async () => {
    const { url, folder } = await served();
    writeFileSync(join(folder, "metrics.json"), '{"f1": 0.91, "accuracy": 0.93}');
    const [output, summary] = [join(folder, "output"), join(folder, "summary")];
    const job = (env: Readonly<Record<string, string>> = {}) =>
      run("bash", ["-c", actionStep()], jobEnvironment(folder, { URL: url, PROJECT: "Digits / v2", ...env }));
    expect(job()).toMatchObject({ status: 0, stderr: "" });
    expect(job().status).toBe(0);
    expect(readFileSync(output, "utf8")).toBe("version=1\ndeployed=true\n".repeat(2));
    expect(readFileSync(summary, "utf8")).toContain("**Digits / v2** version 1: ");
    const models = await answerOf(`${url}/v1/projects/${encodeURIComponent("Digits / v2")}/models`);
    expect(models).toMatchObject({
      items: [{ version: 1, metrics: { f1: 0.91 }, labels: { commit: "abc", run: "77" } }],
    });
    const refused = job({ TASK: "regression" });
    expect([refused.status, refused.stdout + refused.stderr]).toEqual([
      expect.any(Number),
      expect.stringContaining("409"),
    ]);
    expect(refused.status).not.toBe(0);
  });

  needing("python3")(
    "inference_server.py changes its model with each deployment, and outlives the ledger",
    async () => {
      const { url, folder, child } = await served();
      const train = (epochs: number) =>
        run("python3", [
          join(examples, "train.py"),
          "Digits",
          "--url",
          url,
          "--epochs",
          String(epochs),
          "--out",
          join(folder, `${epochs}.json`),
        ]);
      const server = await started("python3", [
        join(examples, "inference_server.py"),
        "Digits",
        "--url",
        url,
        "--port",
        "0",
      ]);
      const predict = async () => {
        const answer = await fetch(`${server.url}/predict`, { method: "POST", body: '{"point": [2, 2]}' });
        return { status: answer.status, ...((await answer.json()) as object) };
      };
      expect(await predict()).toMatchObject({ status: 503 });
      expect(train(1).status).toBe(0);
      await expect.poll(predict, PATIENCE).toMatchObject({ status: 200, version: 1, score: expect.any(Number) });
      expect(train(2).status).toBe(0);
      const deploy = { method: "POST", headers: { "content-type": "application/json" }, body: '{"model": 2}' };
      expect((await fetch(`${url}/v1/projects/Digits/deployments`, deploy)).status).toBe(201);
      await expect.poll(predict, PATIENCE).toMatchObject({ version: 2 });
      const rollback = { ...deploy, body: '{"strategy": "rollback"}' };
      expect((await fetch(`${url}/v1/projects/Digits/deployments`, rollback)).status).toBe(201);
      await expect.poll(predict, PATIENCE).toMatchObject({ version: 1 });
      child.kill("SIGTERM");
      await once(child, "exit");
      expect(await predict()).toMatchObject({ status: 200, version: 1 });
      await expect.poll(() => server.lines.join("\n"), PATIENCE).toContain("the ledger is away");
      expect(await answerOf(`${server.url}/model`)).toMatchObject({ version: 1, heardSecondsAgo: expect.any(Number) });
    },
  );

  needing(
    "python3",
    "bash",
    "curl",
    "jq",
  )("each works with a token that may do its part, and with none that may not", async () => {
    const { url, folder, store } = await served();
    const tokenFor = (name: string, scope: string): string => {
      const create = ["token", "create", "--name", name, "--scope", scope, "--project", "Digits*", "--json"];
      return JSON.parse(run(process.execPath, [bin, "--store", store, ...create]).stdout).token;
    };
    const [trainer, reader] = [tokenFor("trainer", "train"), tokenFor("reader", "read")];
    const trained = (token: string, project = "Digits") =>
      run("python3", [join(examples, "train.py"), project, "--url", url, "--out", join(folder, "model.json")], {
        MODEL_LEDGER_TOKEN: token,
      });
    const outcomes = [trained(""), trained("mlt_made-up"), trained(reader), trained(trainer, "Prices")];
    expect(outcomes.map(({ status, stderr }) => [status, /[A-Z]+_?[A-Z]+(_[A-Z]+)*/.exec(stderr)?.[0]])).toEqual([
      [1, "UNAUTHENTICATED"],
      [1, "UNAUTHENTICATED"],
      [1, "FORBIDDEN"],
      [1, "PROJECT_NOT_FOUND"],
    ]);
    const server = await started(
      "python3",
      [join(examples, "inference_server.py"), "Digits", "--url", url, "--port", "0"],
      {
        MODEL_LEDGER_TOKEN: reader,
      },
    );
    expect(JSON.parse(trained(trainer).stdout)).toMatchObject({ version: 1, deployed: true });
    await expect.poll(() => answerOf(`${server.url}/model`), PATIENCE).toMatchObject({ version: 1 });
    writeFileSync(join(folder, "metrics.json"), '{"f1": 0.999}');
    const job = (token: string) =>
      run("bash", ["-c", actionStep()], jobEnvironment(folder, { URL: url, TOKEN: token, PROJECT: "Digits" }));
    expect(job(reader)).toMatchObject({ status: 1, stderr: expect.stringContaining("FORBIDDEN") });
    expect(job(trainer)).toMatchObject({ status: 0, stderr: "" });
    const { items } = (await (
      await fetch(`${url}/v1/deployments`, { headers: { authorization: `Bearer ${reader}` } })
    ).json()) as { items: readonly object[] };
    expect(items).toMatchObject([
      { number: 2, version: 2, actor: "trainer" },
      { number: 1, version: 1, actor: "trainer" },
    ]);
  });

  test("slack-receiver.mjs tells of what is signed, and of that once", async () => {
    const { store, url } = await served();
    let isSlackDown = true;
    const slack = await receiver((response) => {
      response.writeHead(isSlackDown ? 500 : 200).end();
      isSlackDown = false;
    });
    const secret = `whsec_${Buffer.alloc(32, 9).toString("base64")}`;
    const file = join(mkdtempSync(join(tmpdir(), "model-ledger-secret-")), "secret");
    writeFileSync(file, secret);
    chmodSync(file, 0o600);
    const hook = await started(process.execPath, [join(examples, "slack-receiver.mjs")], {
      MODEL_LEDGER_WEBHOOK_SECRET: secret,
      SLACK_WEBHOOK_URL: slack.url,
      PORT: "0",
    });
    const add = ["webhook", "add", hook.url, "--allow-private", "--events", "ModelDeployed", "--secret-file", file];
    expect(run(process.execPath, [bin, "--store", store, ...add])).toMatchObject({ status: 0 });
    const training = {
      task: "classification",
      algorithm: "svm",
      metrics: { f1: 0.9 },
      reason: "nightly",
      actor: "ann",
    };
    const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(training) };
    expect((await fetch(`${url}/v1/projects/Digits/models`, post)).status).toBe(201);
    await expect.poll(() => slack.received.length, PATIENCE).toBe(2); // down at first: the ledger sent it again
    expect(JSON.parse(slack.received[1]?.body ?? "")).toEqual({
      text: "*Digits*: version 1 (svm) is active in production, by new_score of ann: nightly",
    });
    const redeliver = () => {
      const { stdout } = run(process.execPath, [bin, "--store", store, "--json", "webhook", "deliveries"]);
      const { webhook, eventId } = JSON.parse(stdout);
      return run(process.execPath, [bin, "--store", store, "--json", "webhook", "redeliver", webhook, eventId]);
    };
    await expect.poll(() => redeliver().status, PATIENCE).toBe(0);
    const forged = {
      method: "POST",
      headers: { "webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA" },
      body: "{}",
    };
    expect((await fetch(hook.url, forged)).status).toBe(401);
    expect(slack.received).toHaveLength(2);
  });
});
