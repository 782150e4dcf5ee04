import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { programIn } from "./program.ts";

const program = join(import.meta.dirname, "../../src/main.ts");
const folder = mkdtempSync(join(tmpdir(), "model-ledger-output-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const train = ["--task", "classification", "--algorithm", "svm", "--metric", "f1=0.9"];
beforeAll(async () => {
  const run = programIn(folder);
  await run(["train", "Digits", ...train]);
  await run(["train", "Letters", ...train]);
});

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

function start(argv: string, stdout: number | "pipe", database = "ledger.db") {
  const env = { ...process.env, MODEL_LEDGER_STORE: `sqlite:${join(folder, database)}` };
  return spawn(process.execPath, [program, ...argv.split(" ")], { env, stdio: ["ignore", stdout, "pipe"] });
}

/** With nobody at the other end of these of its streams. */
async function unheard(argv: string, streams: readonly ("stdout" | "stderr")[], database?: string): Promise<Ended> {
  const child = start(argv, "pipe", database);
  const stderr = streams.includes("stderr") ? Promise.resolve("") : text(child.stderr as NodeJS.ReadableStream);
  for (const stream of streams) child[stream]?.destroy();
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stderr: await stderr };
}

describe.runIf(existsSync("/dev/full"))("output to a full disk ends with 3 and a sentence, not with a stack:", () => {
  test.each([
    "--help",
    "history Digits",
    "history Digits --json",
    "audit --format csv",
    "export",
    "serve --port 0 --log-level silent",
  ])("%s", async (argv) => {
    const full = openSync("/dev/full", "w");
    const child = start(argv, full);
    closeSync(full);
    const stderr = text(child.stderr as NodeJS.ReadableStream);
    const [code] = await once(child, "close");
    expect([code, await stderr]).toEqual([
      3,
      "model-ledger: the output could not be written (ENOSPC): it is not whole\n",
    ]);
  });
});

describe("whoever leaves early", () => {
  test.each(["history Digits --json", "export", "watch --from start --json", "verify"])(
    "is no failure of %s",
    async (argv) => {
      expect(await unheard(argv, ["stdout"])).toEqual({ code: 0, stderr: "" });
    },
  );

  test("does not turn a failure into a success", async () => {
    const path = join(folder, "changed.db");
    await programIn(folder)(["train", "Digits", ...train, "--store", `sqlite:${path}`]);
    const database = new Database(path);
    database.exec("UPDATE events SET data = replace(data, '0.9', '0.99') WHERE position = 1");
    database.close();
    expect((await unheard("verify --json", ["stdout"], "changed.db")).code).toBe(5);
    expect((await unheard("verify", ["stdout", "stderr"], "changed.db")).code).toBe(5);
    expect((await unheard("history Nobody", ["stdout", "stderr"])).code).toBe(1);
    expect((await unheard("history", ["stderr"])).code).toBe(2);
  });
});
