import type { openLedger as Open } from "../../src/index.ts";

/** Prints the milliseconds from opening the ledger (its code is loaded) to the first committed command. */
const [url = "", project = ""] = process.argv.slice(2);
// as the package runs it: what reading TypeScript costs belongs to a checkout alone
const built = new URL("../../dist/src/index.js", import.meta.url);
const { openLedger }: { readonly openLedger: typeof Open } = await import(built.href);
const start = performance.now();
const ledger = await openLedger(url);
await ledger.deploy({ project, strategy: "best_score" });
process.stdout.write(String(performance.now() - start));
await ledger.close();
