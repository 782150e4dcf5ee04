import { existsSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
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
  expect((await run(["verify", "--proof", at("on.json"), ...against, "--quiet"])).stdout).toBe("4\n");
  expect((await run(["verify", "--receipt", at("place.json"), ...against])).code).toBe(5);
  expect((await run(["verify", "--receipt", at("receipt.json")])).code).toBe(2);

  writeFileSync(at("receipt.json"), readFileSync(at("receipt.json"), "utf8").replace('"score": 0.9', '"score": 0.8'));
  const spoilt = await run(["verify", "--receipt", at("receipt.json"), ...against]);
  expect(spoilt).toMatchObject({ code: 5, stdout: "", stderr: expect.stringMatching(/verification failed/) });
  expect((await run(["verify", "--receipt", at("receipt.json"), ...against, "--json"])).stdout).toMatch(
    /^\{"ok":false,"why":/,
  );
});

/** Spoils a byte of the character that stands for bytes that are no text, so that read carelessly it is still there. */
function spoil(file: string): void {
  const bytes = readFileSync(file);
  const place = bytes.lastIndexOf("\ufffd");
  expect(place).toBeGreaterThan(0);
  bytes[place] = 0xf0;
  writeFileSync(file, bytes);
}

test("a changed byte is found where the text had one that could not be read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-byte-"));
  const run = programIn(folder);
  const at = (name: string) => join(folder, name);
  await run(["keygen", at("k"), "--name", "example.com/ledger"]);
  await run(["train", "Digits", "--task", "classification", "--algorithm", "svm", "--metric", "f1=0.8"]);
  await run(["deploy", "Digits", "--reason", "an odd \ufffd reason"]);
  await run(["deploy", "Digits", "--reason", "another \ufffd, which is damaged"]);
  await run(["receipt", "Digits", "2", "--key", at("k"), "--out", at("receipt.json")]);
  await run(["export", "--out", at("export.ndjson")]);
  const receipt = ["verify", "--receipt", at("receipt.json"), "--public-key", at("k.pub")];
  const exported = ["verify", "--from-export", at("export.ndjson")];
  const imported = ["import", at("export.ndjson"), "--store", `sqlite:${at("other.db")}`];
  expect((await run(receipt)).code).toBe(0);
  expect((await run(exported)).code).toBe(0);
  for (const name of ["receipt.json", "export.ndjson"]) spoil(at(name));
  const says = (stderr: RegExp) => ({ code: 5, stderr: expect.stringMatching(stderr) });
  expect(await run(receipt)).toMatchObject(says(/failed: a byte of it is no UTF-8/));
  expect(await run(exported)).toMatchObject(says(/failed at line 4: a byte of it is no UTF-8/));
  expect(await run(imported)).toMatchObject(says(/line 4 of the export .* no UTF-8. Nothing was imported/));
  expect(existsSync(at("other.db"))).toBe(false);
  expect((await run(["verify", "--checkpoint", at("receipt.json"), "--public-key", at("k.pub")])).code).toBe(2);
});

test("what cannot be proved of a broken log is told as verify tells it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-broken-"));
  const run = programIn(folder);
  const at = (name: string) => join(folder, name);
  const signed = ["--key", at("k"), "--out", at("out.json")];
  await run(["keygen", at("k"), "--name", "example.com/ledger"]);
  const train = ["train", "Digits", "--task", "classification", "--algorithm", "svm", "--metric"];
  await run([...train, "f1=0.8"]);
  writeFileSync(at("head"), (await run(["verify", "--checkpoint", "--key", at("k")])).stdout);
  await run([...train, "f1=0.9"]);

  const edit = (sql: string) => {
    const database = new Database(at("ledger.db"));
    expect(database.prepare(sql).run().changes).toBe(1);
    database.close();
  };
  const commands = [
    ["receipt", "Digits", "2", ...signed],
    ["prove", "Digits", "2", ...signed],
    ["prove", "--older", at("head"), "--newer", at("head"), "--out", at("out.json")],
    ["verify", "--checkpoint", "--key", at("k")],
  ];
  const toldAs = async (told: string) => {
    for (const command of commands) {
      expect(await run(command)).toMatchObject({ code: 5, stdout: "", stderr: expect.stringContaining(told) });
      const { code, stdout } = await run([...command, "--json"]);
      expect(code).toBe(5);
      expect(JSON.parse(stdout)).toMatchObject({ ok: false, firstBroken: { stream: "modelLedger-Digits" } });
    }
    expect(existsSync(at("out.json"))).toBe(false);
  };
  edit("UPDATE events SET metadata = replace(metadata, 'recordedAt', 'recordedAT') WHERE revision = 3");
  await toldAs("verification failed at event 3 of modelLedger-Digits: its hash is");
  edit("DELETE FROM events WHERE revision = 1");
  await toldAs("verification failed at event 2 of modelLedger-Digits: revision 1 is missing before it");
});

test("a receipt that lost its end or its line feeds on the way, and an empty checkpoint, are told as what they are", async () => {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-lost-"));
  const run = programIn(folder);
  const at = (name: string) => join(folder, name);
  await run(["keygen", at("k"), "--name", "example.com/ledger"]);
  await run(["train", "Digits", "--task", "classification", "--algorithm", "svm", "--metric", "f1=0.8"]);
  const { stdout: whole } = await run(["receipt", "Digits", "1", "--key", at("k")]);
  const told = async (option: string, text: string) => {
    writeFileSync(at("sent"), text);
    return run(["verify", option, at("sent"), "--public-key", at("k.pub")]);
  };
  expect(await told("--receipt", whole)).toMatchObject({ code: 0 });
  for (const [option, text, why] of [
    ["--receipt", whole.replaceAll("\n", "\r\n"), "its lines end in CRLF"],
    ["--receipt", whole.slice(0, -20), "it is no JSON"],
    ["--receipt", whole.trimEnd(), "it is not written as model-ledger writes a proof"],
    ["--receipt", '{"format":"a song"}', "it is no proof that model-ledger wrote"],
    ["--checkpoint", "", "it is not a signed note"],
  ] as const) {
    expect(await told(option, text)).toMatchObject({ code: 5, stdout: "", stderr: expect.stringContaining(why) });
  }
});

test("checkpoints that the log does not begin with prove nothing of it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-foreign-"));
  const [run, other] = [programIn(folder), programIn()];
  const at = (name: string) => join(folder, name);
  await run(["keygen", at("k"), "--name", "example.com/ledger"]);
  const train = ["train", "Digits", "--task", "classification", "--algorithm", "svm", "--metric", "f1=0.8"];
  for (const program of [run, other]) await program(train);
  writeFileSync(at("head"), (await other(["verify", "--checkpoint", "--key", at("k")])).stdout);
  const failed = await run(["prove", "--older", at("head"), "--newer", at("head")]);
  expect(failed).toMatchObject({
    code: 5,
    stdout: "",
    stderr: expect.stringMatching(/against the checkpoint: the log does not begin with the 2 events that/),
  });
});
