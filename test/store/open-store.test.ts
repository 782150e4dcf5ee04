import { expect, test } from "vitest";
import { systemRuntime } from "../../src/runtime.ts";
import { openStore } from "../../src/store/open-store.ts";
import { event } from "./events.ts";
import { ledgerFile } from "./ledger-file.ts";

test("memory: and sqlite:<path> open a store that says where it is", async () => {
  const path = ledgerFile();
  for (const [url, address] of [
    ["memory:", "memory:"],
    [`sqlite:${path}`, `sqlite:${path}`],
    [`sqlite://${path}`, `sqlite:${path}`],
  ] as const) {
    const store = await openStore(url, systemRuntime());
    expect(store.address).toBe(address);
    await store.append(url, [event()], "no_stream");
    await store.close();
  }
});

test.for([
  "",
  "ledger.db",
  "/var/ledger.db",
  "mysql://ann:secret@host/x",
  "memory:x",
  "sqlite:",
  "sqlite: ",
  "sqlite::memory:",
  "sqlite://ledger.db",
])('refuses "%s", naming what it takes and no password', async (url) => {
  const refusal: unknown = await openStore(url, systemRuntime()).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "INVALID_INPUT", message: expect.stringContaining("sqlite:<path>") });
  expect(JSON.stringify([String(refusal), refusal])).not.toContain("secret");
});

test.for([
  ["sqlite::memory:", 'write "memory:"'],
  ["sqlite://ledger.db", 'write "sqlite:ledger.db" or "sqlite:/ledger.db"'],
  ["./ledger.db", 'write "sqlite:./ledger.db"'],
  ["memory", 'write "memory:"'],
  ["esdb:localhost", "it should read esdb://"],
] as const)('says of "%s": %s', async ([url, hint]) => {
  await expect(openStore(url, systemRuntime())).rejects.toMatchObject({
    code: "INVALID_INPUT",
    message: expect.stringContaining(hint),
  });
});
