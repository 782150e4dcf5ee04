import { openLedger } from "../../src/index.ts";

/** Tells its parent of each training that it sees, with the time; ends after as many as it was told to. */
const [url = "", count = "0"] = process.argv.slice(2);
const ledger = await openLedger(url);
const stop = new AbortController();
const events = ledger.subscribe({ from: "end", types: ["ModelTrained"], signal: stop.signal });
await ledger.projects(); // the store is open and has read the file once
process.send?.("ready");
let seen = 0;
for await (const { revision } of events) {
  process.send?.({ receivedMs: performance.timeOrigin + performance.now(), revision: String(revision) });
  seen += 1;
  if (seen === Number(count)) stop.abort();
}
await ledger.close();
process.disconnect?.();
