import { openLedger } from "../../src/index.ts";

/** Prints how many deployments by ann a ledger has, as a process of its own. */
const ledger = await openLedger(process.argv[2] ?? "");
let count = 0;
for await (const _ of ledger.deployments({ actor: "ann" })) count += 1;
process.stdout.write(String(count));
await ledger.close();
