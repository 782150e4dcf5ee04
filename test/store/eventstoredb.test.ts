import { systemRuntime } from "../../src/runtime.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { eventStoreContract } from "./contract.ts";
import { freshCategory, onEventStoreDb } from "./server.ts";

onEventStoreDb((url) => {
  eventStoreContract("eventstoredb", () =>
    eventStoreDbEventStore(url(), systemRuntime(), { category: freshCategory() }),
  );
});
