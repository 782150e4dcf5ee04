import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EXIT, EXIT_CODES } from "../src/cli/exit-codes.ts";

/** The README's code runs: its library blocks as programs, its commands in a shell, in a folder of their own. */
const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "model-ledger-readme-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, code = ""]) => code);
}

function run(command: string, args: readonly string[]): string {
  const env = { ...process.env, NO_COLOR: "1", MODEL_LEDGER_STORE: "sqlite:./shell.db" };
  return execFileSync(command, args, { cwd: folder, encoding: "utf8", env, timeout: 90_000 });
}

describe("the README", () => {
  test("has two set-up commands, and they are scripts of the package", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
    const setUp = blocks("text").filter((block) => block.startsWith("npm ci"));
    expect(setUp).toEqual(["npm ci && npm run demo\n", "npm ci && npm test\n"]);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(["demo", "test"]));
  });

  test("lists every error code and every exit code", () => {
    const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)].map(([, code, exit]) => [code, Number(exit)]);
    expect(Object.fromEntries(rows)).toEqual(EXIT_CODES);
    const exits = [...readme.matchAll(/^\| (\d+) \|/gm)].map(([, exit]) => Number(exit));
    expect(exits).toEqual(Object.values(EXIT));
  });

  test("shows library code that runs", () => {
    const outputs = blocks("ts").map((code, index) => {
      const file = join(folder, `block-${index}.ts`);
      writeFileSync(join(folder, "package.json"), '{"type":"module"}');
      writeFileSync(file, code.replace('"model-ledger"', JSON.stringify(join(root, "src/index.ts"))));
      return run(process.execPath, [file]);
    });
    expect(outputs).toHaveLength(2);
    expect(outputs[0]).toMatch(
      /^true better: f1 0.94 against 0.91 .*\nsvm\n3 .* rollback\n2 .* new_score\n1 .* new_score\n$/,
    );
    expect(outputs[1]).toBe("1\n");
  });

  test("shows a service that is used with curl", { timeout: 120_000 }, async () => {
    const [script = ""] = blocks("shell");
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const program = `#!/bin/sh\nexec "${process.execPath}" "${join(root, "bin/model-ledger.js")}" "$@"\n`;
    writeFileSync(join(folder, "model-ledger"), program, { mode: 0o755 });
    const whole = [
      "set -euo pipefail",
      'PATH="$PWD:$PATH"',
      "trap 'kill $(jobs -p)' EXIT",
      "export MODEL_LEDGER_STORE=sqlite:./service.db",
      script.replaceAll("8080", String(port)),
    ];
    const answers = run("bash", ["-c", whole.join("\n")]);
    expect(answers).toContain('{"status":"ready"}');
    expect(answers).toMatch(/"version":1,.*"deployed":true/);
    expect(answers).toMatch(/"strategy":"best_score",.*"number":2/);
    expect(answers).toMatch(/"actor":"ci","reason":"the weekly check"/);
    expect(answers).toMatch(/^Digits,production,2,.*,ci,the weekly check,best_score,/m);
    expect(answers.match(/^event: ModelDeployed$/gm)).toHaveLength(2);
  });

  test("shows commands that run", () => {
    const commands = blocks("sh").flatMap((block) => block.trim().split("\n"));
    expect(commands.length).toBeGreaterThan(5);
    const program = `"${process.execPath}" "${join(root, "bin/model-ledger.js")}"`;
    const answers = commands.map((command) => run("sh", ["-c", command.replace(/^model-ledger/, program)]));
    expect(answers[3]).toContain("rollback");
    expect(answers.at(-1)).toMatch(/^6 events of 1 project verified/);
  });
});
