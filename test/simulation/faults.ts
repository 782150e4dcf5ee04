import type { Random } from "./random.ts";

/**
 * Every fault that the world can show, and where it was seen on a real store. What neither EventStoreDB nor SQLite
 * shows is not here: a read never gives less than was acknowledged before it began (EventStoreDB is read from its leader,
 * SQLite in a new transaction), and a subscription of the port never repeats (the adapters filter what a reconnect
 * brings again); what may lag is a subscription, and it does.
 */
export const FAULTS = {
  "append written, answer lost": {
    on: ["eventstoredb", "sqlite"],
    seen: "EventStoreDB killed between its write and its answer; SQLite's commit ending in SQLITE_IOERR with its frames in the log",
  },
  "append not written": {
    on: ["eventstoredb", "sqlite"],
    seen: "connection refused; SQLITE_FULL; SQLITE_BUSY when others hold the lock beyond the timeout",
  },
  "append written after its error": {
    on: ["eventstoredb"],
    seen: "a server under SIGSTOP or behind a stalled proxy answers nobody in time, and carries the append out when it goes on",
  },
  "append answered at the deadline": {
    on: ["eventstoredb", "sqlite"],
    seen: "a black-holed address; the file's lock held by a stopped process (30 s)",
  },
  "append sent twice": {
    on: ["eventstoredb"],
    seen: "the adapter repeats an append that was not answered, with the same ids and expected revision",
  },
  "append hidden for a while": {
    on: ["eventstoredb"],
    seen: "npm run soak, a stopped server: others lose the race to an event that reads do not show yet; the adapter waits for it, up to its deadline",
  },
  "read failed": { on: ["eventstoredb", "sqlite"], seen: "UnavailableError beyond the deadline; SQLITE_IOERR" },
  "read slow": { on: ["eventstoredb", "sqlite"], seen: "a server at its limit; a disk that others keep busy" },
  "keep failed": { on: ["eventstoredb", "sqlite"], seen: "the same as for an append" },
  "change count unknown": { on: ["sqlite"], seen: "SQLITE_BUSY from PRAGMA data_version while the log is recovered" },
  "subscription dropped": {
    on: ["eventstoredb", "sqlite"],
    seen: "the server drops a consumer that is too slow, or forbids it; SQLITE_IOERR while the tail is read",
  },
  "subscription stalled": {
    on: ["eventstoredb", "sqlite"],
    seen: "between a lost connection and its keep-alive; a busy machine",
  },
  "store stopped": { on: ["eventstoredb"], seen: "SIGSTOP: requests wait and are carried out when it goes on" },
  "store unreachable": {
    on: ["eventstoredb", "sqlite"],
    seen: "the server restarted; the file's lock held by another process",
  },
  "process killed": { on: ["eventstoredb", "sqlite"], seen: "kill -9, and the same node started again" },
  "clock jumped": { on: ["eventstoredb", "sqlite"], seen: "NTP steps, suspended machines, operators" },
} as const satisfies Readonly<
  Record<string, { readonly on: readonly ("eventstoredb" | "sqlite")[]; readonly seen: string }>
>;

export type Fault = keyof typeof FAULTS;
export type StoreKind = "eventstoredb" | "sqlite";
export const FAULT_NAMES = Object.keys(FAULTS) as readonly Fault[];

/** How likely each fault is where it could strike; what is absent never does. */
export type FaultRates = Readonly<Partial<Record<Fault, number>>>;

/** Each kind is in about half of the worlds, from rare to frequent. */
export function drawRates(random: Random, store: StoreKind): FaultRates {
  const rates: Partial<Record<Fault, number>> = {};
  for (const fault of FAULT_NAMES) {
    const isIn = random.chance(0.5);
    const rate = random.logUniform(0.005, 0.2);
    if (isIn && (FAULTS[fault].on as readonly StoreKind[]).includes(store)) rates[fault] = rate;
  }
  return rates;
}

/** Decides when faults strike. Draws the same numbers whatever is switched off, so that a run can be cut down. */
export class FaultPlan {
  readonly counts = new Map<Fault, number>();
  /** How many struck or would have, whether they were spared or not. */
  drawn = 0;
  isOver = false;
  readonly #rates: FaultRates;
  readonly #spared: ReadonlySet<number>;
  readonly #onStrike: (fault: Fault, ordinal: number) => void;

  constructor(rates: FaultRates, spared: ReadonlySet<number>, onStrike: (fault: Fault, ordinal: number) => void) {
    this.#rates = rates;
    this.#spared = spared;
    this.#onStrike = onStrike;
  }

  rateOf(fault: Fault): number {
    return this.#rates[fault] ?? 0;
  }

  strikes(fault: Fault, random: Random): boolean {
    const isDrawn = random.chance(this.rateOf(fault));
    if (!isDrawn || this.isOver) return false;
    const ordinal = this.drawn++;
    if (this.#spared.has(ordinal)) return false;
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    this.#onStrike(fault, ordinal);
    return true;
  }
}
