import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { LedgerError } from "../errors.ts";
import { generateKeys } from "../index.ts";
import type { CliCommand, Options } from "./command.ts";
import { readWhole, writeWhole } from "./files.ts";

const OWNER_ONLY = 0o600;
const KEY_VARIABLE = "MODEL_LEDGER_KEY";

export const keygen: CliCommand = {
  group: "Prove",
  signature: "keygen [file]",
  summary: "make the pair of keys that checkpoints are signed with: <file>, for its owner only, and <file>.pub",
  examples: ["keygen", "keygen /secure/ledger.key --name example.com/ledger"],
  configure: (command) =>
    command
      .option("--name <name>", "what the log is called in its checkpoints (default: <host>/model-ledger)")
      .option("--force", "put it in place of a key that is there"),
  async run({ out, dryPrefix, dryMark }, [given], options) {
    const file = given ?? "model-ledger.key";
    const name = typeof options.name === "string" ? options.name : `${hostname()}/model-ledger`;
    const publicFile = `${file}.pub`;
    const keys = generateKeys(name);
    for (const path of [file, publicFile]) {
      if (!options.force && existsSync(path)) throw keyIsThere(path);
    }
    if (dryMark.dryRun) {
      const pair = `the pair of keys ${file} and ${publicFile} of ${name}`;
      out.result({ name, file, publicFile, ...dryMark }, file, () => out.say(dryPrefix + pair));
      return undefined;
    }
    await writeWhole(file, [`${keys.privateKey}\n`], { mode: OWNER_ONLY, replace: options.force === true });
    await writeWhole(publicFile, [`${keys.publicKey}\n`], { replace: options.force === true });
    const { publicKey } = keys;
    out.result({ name, file, publicFile, publicKey }, publicKey, () => {
      out.line(publicKey);
      out.aside(
        `${file} signs: keep it to yourself. ${publicFile} is for everybody who verifies: hand it out before you sign`,
      );
    });
    return undefined;
  },
};

const keyIsThere = (path: string): LedgerError =>
  new LedgerError("INVALID_INPUT", `"${path}" is there already, and what it signed needs it: --force replaces it`, {
    path,
  });

/** The private key that signs. @throws {LedgerError} INVALID_INPUT when none is named or it cannot be read. */
export function privateKeyIn({ key = process.env[KEY_VARIABLE] }: Options): string {
  if (typeof key === "string" && key !== "") return readWhole(key).trim();
  throw new LedgerError(
    "INVALID_INPUT",
    `a checkpoint needs a key to sign it: name its file with --key or ${KEY_VARIABLE}; \`model-ledger keygen\` makes one`,
  );
}

/** A public key, given as it is or as the file that holds it. */
export function publicKeyIn({ publicKey }: Options): string {
  if (typeof publicKey !== "string") {
    throw new LedgerError(
      "INVALID_INPUT",
      "--public-key is needed, the text or the file that keygen made: whoever could choose the key could have signed anything",
    );
  }
  return /^[^+\s]+\+[0-9a-f]{8}\+\S+$/u.test(publicKey) ? publicKey : readWhole(publicKey).trim();
}
