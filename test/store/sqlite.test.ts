import { systemRuntime } from "../../src/runtime.ts";
import { sqliteEventStore } from "../../src/store/sqlite.ts";
import { eventStoreContract } from "./contract.ts";
import { ledgerFile } from "./ledger-file.ts";

eventStoreContract("sqlite", () => sqliteEventStore(ledgerFile(), systemRuntime()));
