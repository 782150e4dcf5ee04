import { memoryEventStore } from "../../src/store/memory.ts";
import { eventStoreContract } from "./contract.ts";

eventStoreContract("memory", async () => memoryEventStore());
