import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { programIn } from "./program.ts";

const train = ["train", "Digits", "--task", "classification", "--algorithm", "svm", "--metric", "f1=0.9"];

function place() {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-checkpoint-"));
  return { folder, run: programIn(folder), key: join(folder, "ledger.key"), head: join(folder, "head.txt") };
}

test("a key is made for its owner only, and never over another unless that is said", async () => {
  const { run, key } = place();
  const made = await run(["keygen", key, "--name", "example.com/ledger"]);
  expect(made).toMatchObject({ code: 0, stdout: readFileSync(`${key}.pub`, "utf8") });
  expect(readFileSync(key, "utf8")).toMatch(/^PRIVATE\+KEY\+example\.com\/ledger\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}\n$/);
  expect(statSync(key).mode & 0o777).toBe(0o600);
  const first = readFileSync(key, "utf8");
  expect(await run(["keygen", key])).toMatchObject({ code: 2, stderr: expect.stringMatching(/is there already/) });
  expect(readFileSync(key, "utf8")).toBe(first);
  expect((await run(["keygen", key, "--force", "--json"])).code).toBe(0);
  expect(readFileSync(key, "utf8")).not.toBe(first);
  expect(statSync(key).mode & 0o777).toBe(0o600);
  expect((await run(["keygen", join(key, "no"), "--name", "a b"])).code).toBe(2);
});

test("verify --checkpoint prints a signed head of the log, and checks it later", async () => {
  const { run, key, head } = place();
  await run(["keygen", key, "--name", "example.com/ledger"]);
  await run(train);
  const { code, stdout } = await run(["verify", "--checkpoint", "--key", key]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^example\.com\/ledger\n2\n[A-Za-z0-9+/]{43}=\n\n— example\.com\/ledger [A-Za-z0-9+/]{91}=\n$/,
  );
  writeFileSync(head, stdout);
  await run(train);
  const check = ["verify", "--checkpoint", head, "--public-key"];
  expect(await run([...check, `${key}.pub`])).toMatchObject({
    code: 0,
    stdout:
      "3 events of 1 project verified: every hash follows from the one before, and they begin with the 2 that example.com/ledger signed\n",
  });
  expect((await run([...check, readFileSync(`${key}.pub`, "utf8").trim(), "--json"])).stdout).toBe(
    '{"ok":true,"events":3,"streams":1,"checkpoint":{"ok":true,"origin":"example.com/ledger","size":2}}\n',
  );
  writeFileSync(head, stdout.replace("\n2\n", "\n3\n"));
  const spoilt = await run([...check, `${key}.pub`]);
  expect(spoilt).toMatchObject({ code: 5, stderr: expect.stringMatching(/the signature of .* does not fit its text/) });
});

test("what is missing for a checkpoint is said, and leaves no ledger behind", async () => {
  const { folder, run, key, head } = place();
  expect(await run(["verify", "--checkpoint"])).toMatchObject({ code: 2, stderr: expect.stringMatching(/keygen/) });
  expect((await run(["verify", "--checkpoint", "--key", key])).code).toBe(2);
  await run(["keygen", key]);
  expect((await run(["verify", "--checkpoint", "--key", key])).code).toBe(3);
  expect(existsSync(join(folder, "ledger.db"))).toBe(false);
  await run(train);
  expect((await run(["verify", "--checkpoint", head, "--public-key", `${key}.pub`])).code).toBe(2);
  writeFileSync(head, "");
  expect((await run(["verify", "--checkpoint", head])).stderr).toMatch(/--public-key is needed/);
});
