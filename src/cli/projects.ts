import type { ProjectSummary } from "../index.ts";
import type { CliCommand } from "./command.ts";
import type { Column } from "./output.ts";

export const projects: CliCommand = {
  group: "Ask",
  signature: "projects",
  summary: "every project and what is active in it",
  examples: ["projects", "projects --json"],
  async run(session) {
    const columns: readonly Column<ProjectSummary>[] = [
      { title: "project", value: (row) => row.project },
      { title: "task", value: (row) => row.task ?? "not yet" },
      { title: "models", value: (row) => String(row.models), align: "right" },
      { title: "deployments", value: (row) => String(row.deployments), align: "right" },
      {
        title: "active",
        value: (row) => row.active.map((one) => `${one.environment}: ${one.version} (${one.algorithm})`).join(", "),
      },
    ];
    const { signal } = session;
    await session.out.list((await session.existing()).projects({ signal }), columns, "there are no projects yet");
    return undefined;
  },
};
