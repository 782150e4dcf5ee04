import { LedgerError } from "../errors.ts";
import type { PlannedProjection, ProjectionStatus } from "../store/server-projections.ts";
import type { CliCommand } from "./command.ts";
import type { Column, Output } from "./output.ts";

type Row = ProjectionStatus & { readonly change: string };

const COLUMNS: readonly Column<Row>[] = [
  { title: "projection", value: ({ name }) => name },
  { title: "change", value: ({ change }) => change },
  { title: "state", value: ({ state }) => state },
  { title: "position", value: ({ position }) => position },
  { title: "progress", value: ({ progressPercent: at }) => (at === null ? "" : `${at.toFixed(1)} %`), align: "right" },
];

const changeOf = ({ change }: PlannedProjection): string => (change === "none" ? "unchanged" : change);

/** As `diff -u` writes it; a projection that is yet to be created is all new. */
async function differenceOf({ name, before, after }: PlannedProjection): Promise<string> {
  const { createTwoFilesPatch } = await import("diff");
  if (before === after) return "";
  const old = before === undefined ? "/dev/null" : `server/${name}`;
  return createTwoFilesPatch(old, `model-ledger/${name}`, before ?? "", after, undefined, undefined, {
    headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
  });
}

async function show(out: Output, planned: PlannedProjection): Promise<void> {
  const { name } = planned;
  const change = changeOf(planned);
  const diff = await differenceOf(planned);
  if (out.style.json) out.json({ name, change, ...(diff !== "" && { diff }) });
  if (out.style.json || out.style.quiet) return;
  out.say(out.colors.bold(`${name}: ${change}`));
  for (const line of diff.split("\n").slice(0, -1)) out.say(line);
}

export const initProjections: CliCommand = {
  group: "Watch and check",
  signature: "init-projections",
  summary: "make the ledger's projections on an EventStoreDB server the ones of this version, and say how they fare",
  examples: [
    'init-projections --store "esdb://localhost:2113?tls=false" --dry-run',
    'init-projections --store "esdb+discover://admin:changeit@ledger.example.org:2113" --json',
  ],
  async run(session) {
    const { out, globals } = session;
    const projections = await session.openProjections(globals.store);
    try {
      const plans = await projections.plan();
      for (const planned of plans) await show(out, planned);
      if (globals.dryRun) return undefined;
      for (const planned of plans) await projections.apply(planned);
      const changes = new Map(plans.map((planned) => [planned.name, changeOf(planned)]));
      const status = await projections.status();
      const rows = status.map((one) => ({ ...one, change: changes.get(one.name) ?? "unchanged" }));
      if (out.style.json) for (const one of status) out.json(one);
      else await out.list(rows, COLUMNS, "there are no projections");
      const faulted = status.find(({ state }) => state === "faulted");
      if (faulted) throw fault(faulted, projections.address);
      return undefined;
    } finally {
      await projections.close();
    }
  },
};

function fault({ name, reason = "no reason given" }: ProjectionStatus, address: string): LedgerError {
  const message = `the projection "${name}" at ${address} is faulted: ${reason}`;
  return new LedgerError("STORE_UNAVAILABLE", message, { name, address, reason });
}
