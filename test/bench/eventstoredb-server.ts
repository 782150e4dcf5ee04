import { v7 } from "uuid";
import type { NewEvent } from "../../src/store/event-store.ts";
import { freePort, isServerOnPath, startProcess } from "../store/server-process.ts";
import { note } from "./measure.ts";

/** Runs the benchmark against a server on the disk; without one on the PATH it says so and measures nothing. */
export async function withEventStoreDb(measure: (url: string) => Promise<void>): Promise<void> {
  if (!isServerOnPath()) {
    note("SKIPPED: no eventstored on the PATH");
    return;
  }
  const port = await freePort();
  const server = await startProcess({ keeps: "on disk", port });
  try {
    await measure(server.url);
  } finally {
    await server.stop();
  }
}

const PADDING = "x".repeat(400);

/** Half a kilobyte, as an event of the ledger has it. */
export const proposed = (): NewEvent => ({
  id: v7(),
  type: "Measured",
  data: JSON.stringify({ padding: PADDING }),
  metadata: "{}",
});

/** The same as the client wants it. */
export const clientEvent = () => ({
  id: v7(),
  type: "Measured",
  contentType: "application/json" as const,
  data: { padding: PADDING },
  metadata: {},
});
