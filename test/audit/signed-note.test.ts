import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkpointIn, openCheckpoint, signCheckpoint } from "../../src/audit/checkpoint.ts";
import { EMPTY_ROOT } from "../../src/audit/merkle.ts";
import { generateKeys, openNote, publicKeyText, signerOf, signNote, verifierOf } from "../../src/audit/signed-note.ts";
import { codeOf } from "../ledger/stores.ts";

/** The example of the specification, c2sp.org/signed-note. */
const SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_NOTE = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;

/** The example of the implementation that the format comes from, golang.org/x/mod/sumdb/note. */
const GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_PRIVATE_KEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const GO_NOTE = `${GO_TEXT}
— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;
const ENOCH =
  "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

describe("known answers", () => {
  test("the specification's note opens with its key", () => {
    expect(openNote(SPEC_NOTE, verifierOf(SPEC_KEY))).toMatchObject({ text: "This is an example message.\n" });
  });

  test("the reference implementation's key signs the same note to the letter", () => {
    const signer = signerOf(GO_PRIVATE_KEY);
    expect(publicKeyText(signer.verifier)).toBe(GO_KEY);
    expect(signNote(GO_TEXT, signer)).toBe(GO_NOTE);
  });

  test("signatures of others are passed over", () => {
    expect(openNote(GO_NOTE + ENOCH, verifierOf(GO_KEY))).toMatchObject({ text: GO_TEXT, signatures: 2 });
    expect(openNote(GO_NOTE, verifierOf(SPEC_KEY))).toMatchObject({ why: expect.stringMatching(/not signed by/) });
  });

  test("the specification's checkpoint is one", () => {
    const text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    const root = Buffer.from("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", "base64");
    expect(checkpointIn(text)).toEqual({ origin: "example.com/behind-the-sofa", size: 20852163, root });
    expect(checkpointIn(`${text}an extension\n`)).toMatchObject({ size: 20852163 });
  });
});

test.each([
  ["CRLF", GO_NOTE.replaceAll("\n", "\r\n"), /^its lines end in CRLF/],
  ["a lost end", GO_NOTE.slice(0, -1), /^it was cut off/],
  ["a lost signature", GO_TEXT, /^it is not a signed note/],
  ["an empty line more", `${GO_NOTE}\n`, /^an empty line stands among its signatures/],
  ["nothing", "", /^it is not a signed note/],
  ["another signer", `${GO_TEXT}\n${ENOCH}`, /not signed by PeterNeumann\+c74f20a3\+.*, but by EnochRoot\+af0cfe78$/],
])("%s is called by its name", (_, note, why) => {
  expect(openNote(note, verifierOf(GO_KEY))).toMatchObject({ why: expect.stringMatching(why) });
});

test("no change of a character in a note goes unnoticed", () => {
  const verifier = verifierOf(GO_KEY);
  const character = fc.string({ minLength: 0, maxLength: 2, unit: "binary" });
  fc.assert(
    fc.property(fc.nat(GO_NOTE.length - 1), character, (at, put) => {
      const changed = GO_NOTE.slice(0, at) + put + GO_NOTE.slice(at + 1);
      expect("why" in openNote(changed, verifier)).toBe(changed !== GO_NOTE);
    }),
    { numRuns: 2_000 },
  );
});

test("keys that were made sign what they verify; another pair of the same name does not", () => {
  const [mine, other] = [generateKeys("example.com/ledger"), generateKeys("example.com/ledger")];
  const note = signNote("hello\n", signerOf(mine.privateKey));
  expect(openNote(note, verifierOf(mine.publicKey))).toMatchObject({ text: "hello\n" });
  expect(openNote(note, verifierOf(other.publicKey))).toHaveProperty("why");
});

const inputCodeOf = (act: () => unknown) => codeOf((async () => act())());

test.each(["", "a b", "a+b", "a\nb", "a\u00a0b", "a\u0085b", "\ud800"])("no key is called %j", async (name) => {
  expect(await inputCodeOf(() => generateKeys(name))).toBe("INVALID_INPUT");
});

test.each([
  "",
  "PeterNeumann",
  GO_KEY.replace("c74f20a3", "c74f20a4"),
  GO_KEY.replace("Peter", "Petra"),
  GO_KEY.replace("ARpc", "BRpc"),
  `${GO_KEY}A`,
  `${GO_KEY}=`,
  GO_KEY.slice(0, -4),
  GO_PRIVATE_KEY,
])("%j is no public key", async (text) => {
  expect(await inputCodeOf(() => verifierOf(text))).toBe("INVALID_INPUT");
});

test.each([GO_KEY, GO_PRIVATE_KEY.replace("AYEK", "AYEL"), GO_PRIVATE_KEY.slice(0, -2), "PRIVATE+KEY+"])(
  "%j is no private key",
  async (text) => {
    expect(await inputCodeOf(() => signerOf(text))).toBe("INVALID_INPUT");
  },
);

test("a checkpoint counts only for the log of the key that signed it, and only in its one form", () => {
  const { privateKey, publicKey } = generateKeys("example.com/ledger");
  const [signer, verifier] = [signerOf(privateKey), verifierOf(publicKey)];
  const note = signCheckpoint({ size: 0, root: EMPTY_ROOT }, signer);
  expect(openCheckpoint(note, verifier)).toEqual({ origin: "example.com/ledger", size: 0, root: EMPTY_ROOT });
  const root = EMPTY_ROOT.toString("base64");
  for (const text of [
    `example.com/other\n0\n${root}\n`,
    `example.com/ledger\n00\n${root}\n`,
    `example.com/ledger\n-1\n${root}\n`,
    `example.com/ledger\n0\n${root.slice(4)}\n`,
    "example.com/ledger\n0\n",
    `\n0\n${root}\n`,
    "hello\n",
  ]) {
    expect(openCheckpoint(signNote(text, signer), verifier)).toHaveProperty("why");
  }
});
