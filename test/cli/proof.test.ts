import { mkdtempSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { programIn } from "./program.ts";

test("receipts and proofs are written, and checked where there is no ledger", async () => {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-proof-"));
  const run = programIn(folder);
  const at = (name: string) => join(folder, name);
  const [key, against] = [
    ["--key", at("k")],
    ["--public-key", at("k.pub")],
  ];
  await run(["keygen", at("k"), "--name", "example.com/ledger"]);
  const train = ["train", "Digits", "--task", "classification", "--algorithm", "svm", "--metric"];
  await run([...train, "f1=0.8"]);
  writeFileSync(at("old"), (await run(["verify", "--checkpoint", ...key])).stdout);
  await run([...train, "f1=0.9"]);
  writeFileSync(at("new"), (await run(["verify", "--checkpoint", ...key])).stdout);

  expect(await run(["receipt", "Digits", "2", ...key, "--out", at("receipt.json")])).toMatchObject({ code: 0 });
  writeFileSync(at("place.json"), (await run(["prove", "Digits", "1", ...key])).stdout);
  expect(await run(["prove", "--older", at("old"), "--newer", at("new"), "--out", at("on.json")])).toMatchObject({
    code: 0,
  });
  expect((await run(["receipt", "Digits", "7", ...key])).code).toBe(1);
  expect((await run(["prove", "Digits", ...key])).code).toBe(2);
  renameSync(at("ledger.db"), at("gone.db"));

  const receipt = await run(["verify", "--receipt", at("receipt.json"), ...against]);
  expect(receipt).toMatchObject({ code: 0, stderr: "" });
  expect(receipt.stdout).toMatch(
    /^verified: event 3 of modelLedger-Digits \(ModelDeployed\) is number 4 of the 4 events/,
  );
  expect(receipt.stdout).toMatch(/put version 2 of “Digits” \(svm, f1 0\.9\) into production/);
  expect((await run(["verify", "--proof", at("place.json"), ...against])).stdout).toMatch(
    /^verified: event 1 of modelLedger-Digits/,
  );
  expect((await run(["verify", "--proof", at("on.json"), ...against])).stdout).toMatch(
    /^verified: the log of 4 events .* begins with all 2 of the older checkpoint/,
  );
  expect((await run(["verify", "--receipt", at("place.json"), ...against])).code).toBe(5);
  expect((await run(["verify", "--receipt", at("receipt.json")])).code).toBe(2);

  writeFileSync(at("receipt.json"), readFileSync(at("receipt.json"), "utf8").replace('"score": 0.9', '"score": 0.8'));
  const spoilt = await run(["verify", "--receipt", at("receipt.json"), ...against]);
  expect(spoilt).toMatchObject({ code: 5, stdout: "", stderr: expect.stringMatching(/verification failed/) });
  expect((await run(["verify", "--receipt", at("receipt.json"), ...against, "--json"])).stdout).toMatch(
    /^\{"ok":false,"why":/,
  );
});
