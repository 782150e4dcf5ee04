import { openLedger } from "../../src/index.ts";

/** Prints the milliseconds from opening the ledger (its code is loaded) to the first committed command. */
const [url = "", project = ""] = process.argv.slice(2);
const start = performance.now();
const ledger = await openLedger(url);
await ledger.deploy({ project, strategy: "best_score" });
process.stdout.write(String(performance.now() - start));
await ledger.close();
