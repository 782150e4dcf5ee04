import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { programIn } from "../cli/program.ts";

/** What docs/AUDIT.md tells an auditor to type does what it says. */
const page = readFileSync(join(import.meta.dirname, "../../docs/AUDIT.md"), "utf8");
const inBlocks = [...page.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = ""]) => block.trimEnd().split("\n"));
const inText = [...page.matchAll(/`(model-ledger [^`]*)`/g)].map(([, command = ""]) => command.replaceAll(/\s+/g, " "));

/** Words of a command; `> file` at its end is where its output goes. */
function parsed(command: string) {
  const [, line = "", file] = /^model-ledger (.*?)(?:\s*#.*)?(?:\s*> (\S+?)(?:\s*#.*)?)?$/.exec(command) ?? [];
  return { argv: line.trim().split(/\s+/), file };
}

test("every command of the auditor's page runs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-audit-page-"));
  const before = process.cwd();
  process.chdir(folder);
  onTestFinished(() => process.chdir(before));
  const run = programIn(folder);
  const train = ["train", "Digits", "--task", "classification", "--algorithm", "svm", "--metric"];
  for (const score of ["f1=0.5", "f1=0.6", "f1=0.7", "f1=0.4"]) expect((await run([...train, score])).code).toBe(0);
  const isWhole = (command: string) => !/…|FILE/.test(command);
  const commands = [...inBlocks, ...inText].filter(isWhole);
  expect(commands.length).toBeGreaterThan(15);
  for (const command of commands) {
    const { argv, file } = parsed(command);
    if (command.includes("friday.txt"))
      writeFileSync("friday.txt", (await run(["verify", "--checkpoint", "--key", "ledger.key"])).stdout);
    const key =
      /^(receipt|prove Digits)/.test(argv.join(" ")) && !argv.includes("--key") ? ["--key", "ledger.key"] : [];
    const { code, stdout, stderr } = await run([...argv, ...key]);
    // Nothing was serving yet at the time in the example, and nothing is wrong with asking.
    expect([command, code], stderr).toEqual([command, argv.includes("--at") ? 1 : 0]);
    if (file !== undefined) writeFileSync(file, stdout);
  }
});
