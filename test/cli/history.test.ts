import { afterEach, expect, test, vi } from "vitest";
import { graphOf } from "../../src/cli/graph.ts";
import { programIn } from "./program.ts";

afterEach(() => vi.unstubAllEnvs());

const drawn = (rows: readonly (readonly [id: string, replays?: string])[], isTerminal = false) =>
  graphOf(
    rows.map(([deploymentId, replays]) => ({ deploymentId, ...(replays !== undefined && { replays }) })),
    isTerminal,
  );

test("a line leads from each rollback down to what it repeats", () => {
  expect(drawn([["4"], ["3", "1"], ["2"], ["1"]])).toEqual(["*  ", "*-.", "* |", "*-'"]);
  expect(drawn([["4"], ["3", "1"], ["2"], ["1"]], true)).toEqual(["●  ", "●─╮", "● │", "●─╯"]);
});

test("lines that overlap keep apart, and one that leads to what is not shown leaves below", () => {
  expect(drawn([["6", "2"], ["5", "3"], ["4"], ["3"], ["2"], ["1"]])).toEqual([
    "*-.  ",
    "*-+-.",
    "* | |",
    "*-+-'",
    "*-'  ",
    "*    ",
  ]);
  expect(drawn([["9", "8"], ["8", "1"], ["7"]])).toEqual(["*-.  ", "*-+-.", "*   |"]);
  expect(drawn([])).toEqual([]);
});

test("rollbacks to the same deployment share a line", () => {
  const rows = [["7", "1"], ["6", "2"], ["5", "1"], ["4", "2"], ["3", "1"], ["2"], ["1"]] as const;
  expect(drawn(rows)).toEqual(["*-.  ", "*-+-.", "*-+ |", "*-+-+", "*-+ |", "*-+-'", "*-'  "]);
  expect(drawn(rows, true)).toEqual(["●─╮  ", "●─┼─╮", "●─┤ │", "●─┼─┤", "●─┤ │", "●─┼─╯", "●─╯  "]);
});

test("history reads a rollback by number, and draws it", async () => {
  const run = programIn();
  const train = ["train", "D", "--task", "classification", "--algorithm", "svm"];
  await run([...train, "--metric", "f1=0.8"]);
  await run([...train, "--metric", "f1=0.9"]);
  expect((await run(["rollback", "D"])).stdout).toMatch(
    /deployment 3: back to deployment 1 \(f1 0\.8, before 0\.9\)\n$/,
  );
  await run(["rollback", "D", "--reason", "too slow"]);
  const { stdout } = await run(["history", "D", "--graph"]);
  const rows = stdout.trimEnd().split("\n").slice(1);
  expect(rows.map((row) => row.slice(0, 5))).toEqual(["*-.  ", "*-+-.", "*-' |", "*---'"]);
  expect(rows[0]).toMatch(/ 4 .*rollback +1 → 2 \(svm\) +too slow \(back to 2\)$/);
  expect(rows[1]).toMatch(/ 3 .*rollback +2 → 1 \(svm\) +back to deployment 1 \(f1 0\.8, before 0\.9\)$/);
  expect((await run(["history", "D", "--limit", "1"])).stdout).toMatch(/too slow \(back to 2\)\n$/);
  expect((await run(["history", "D", "--graph", "--order", "asc"])).code).toBe(2);
});

test("explain tells of a deployment in whole sentences, and of a training that did not deploy", async () => {
  const run = programIn();
  const train = ["train", "D", "--task", "classification", "--algorithm", "svm"];
  await run([...train, "--metric", "f1=0.9"]);
  await run([...train, "--metric", "f1=0.8"]);
  expect((await run(["explain", "D", "1"])).stdout).toMatch(
    /^On \d+ \w+ 20\d\d at [\d:]+ UTC, \S+ put version 1 of “D” \(svm, f1 0\.9\) into production; it was deployment number 1 there\./,
  );
  expect((await run(["explain", "D", "--model", "2"])).stdout).toMatch(
    /It was not deployed at once; the ledger found: “not better: f1 0\.8 against 0\.9 of version 1, which is active in production”\. It has never been deployed\.\n$/,
  );
  const { stdout } = await run(["explain", "D", "--model", "2", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ outcome: "kept", score: 0.8, comparedWith: { version: 1, score: 0.9 } });
  expect((await run(["explain", "D"])).code).toBe(2);
  expect((await run(["explain", "D", "1", "--model", "1"])).code).toBe(2);
});

test("a reason can neither forge a row nor be cut off, however narrow the terminal is", async () => {
  vi.stubEnv("TERM", "xterm");
  const run = programIn();
  const who = "発行者の名前";
  await run(["train", "D", "--task", "classification", "--algorithm", "svm", "--metric", "f1=0.9"]);
  const word = "y".repeat(70);
  const forged = `slow\r\n${" ".repeat(60)}9 production \u001b[2K\u009b2K\u202e${word} 広い文字のとても長い説明です`;
  await run(["deploy", "D", "--actor", who, "--reason", forged]);
  for (const columns of [40, 80, 132, 200]) {
    const { stdout } = await run(["history", "D", "--no-color"], { terminal: true, columns });
    const lines = stdout.trimEnd().split("\n");
    expect(lines.every((line) => /^[┌│├└]/.test(line))).toBe(true);
    expect(lines.filter((line) => /^│ +\d/.test(line))).toHaveLength(2);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(Math.max(columns, 125) + 1);
    expect(stdout).toContain(who);
    const said = lines.map((line) => line.split("│").at(-2)?.trim()).join("");
    expect(said.replaceAll(/\s/g, "")).toContain(
      `9production\uFFFD[2K\uFFFD2K\uFFFD${word}広い文字のとても長い説明です`,
    );
  }
  const { stdout } = await run(["history", "D", "--json"], { terminal: true });
  expect(stdout).not.toMatch(/[\u0080-\u009f\u202e]/);
  expect(JSON.parse(stdout.split("\n")[0] ?? "")).toMatchObject({ actor: who, reason: forged });
});

test("by the callers' clock, active and timeline tell the callers' times", async () => {
  const run = programIn();
  await run(["train", "D", "--task", "classification", "--algorithm", "svm", "--metric", "f1=0.9"]);
  await run(["deploy", "D", "--model", "1", "--deployed-at", "2090-01-01"]);
  await run(["deploy", "D", "--model", "1", "--deployed-at", "2020-01-01"]);
  const by = ["--by", "deployed-at"];
  const said = "2020-01-01T00:00:00.000Z";
  for (const which of ["D", "--all"]) {
    expect((await run(["active", which, "--at", "2020-01-02", ...by])).stdout).toContain(said);
    expect((await run(["active", which])).stdout).not.toContain(said);
  }
  const rows = (await run(["timeline", "D", ...by])).stdout.trimEnd().split("\n");
  expect(rows).toHaveLength(4);
  expect(rows[1]).toMatch(new RegExp(`^${said} `));
  expect(rows[3]).toMatch(/^2090-01-01T00:00:00\.000Z +open /);
});
