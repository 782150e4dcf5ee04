import { expect, test } from "vitest";
import { programIn } from "./program.ts";

test("what-if prints side by side what would have differed, and writes nothing", async () => {
  const run = programIn();
  const train = ["train", "D", "--task", "classification", "--algorithm", "svm", "--metric"];
  await run([...train, "f1=0.5"]);
  await run([...train, "f1=0.75"]);
  const strict = await run(["what-if", "D", "--policy", "min-improvement=0.5"]);
  expect(strict).toMatchObject({ code: 0, stderr: "" });
  const [head, row, ...rest] = strict.stdout.trimEnd().split("\n");
  expect(head).toMatch(/^when +environment +number +was deployed +would have been$/);
  expect(row).toMatch(/ production +2 +version 2 \(svm\) by new_score +nothing$/);
  expect(rest[0]).toBe("1 of 2 deployments would have differed; nothing was written");
  expect(rest[1]).toMatch(
    /^in production another model would have served for .*; f1 -0\.25 on average .*\(maximize: worse\)$/,
  );
  const same = await run(["what-if", "D", "--policy", '{"automaticDeploy":"not_worse"}', "--all"]);
  expect(same.stdout).toMatch(
    /\n0 of 2 deployments .*\nin production the same models would have served all the time\n$/,
  );
  expect(JSON.parse((await run(["what-if", "D", "--without", "2", "--json"])).stdout)).toMatchObject({
    project: "D",
    rows: [{ differs: false }, { differs: true, alternative: null }],
  });
  expect((await run(["what-if", "D", "--strategy", "most_recent", "--quiet"])).stdout).toBe("0\n");
  for (const wrong of [
    [],
    ["--policy", "x"],
    ["--policy", "nonsense=1"],
    ["--strategy", "rollback"],
    ["--policy", "{"],
  ]) {
    expect((await run(["what-if", "D", ...wrong])).code, wrong.join(" ")).toBe(2);
  }
  expect((await run(["what-if", "D", "--without", "9"])).code).toBe(1);
  expect((await run(["verify"])).stdout).toMatch(/^4 events/);
});
