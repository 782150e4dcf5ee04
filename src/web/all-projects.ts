import { signal } from "@preact/signals";
import { projectPath } from "../api/project-path.ts";
import type { Project } from "./answers.ts";
import { into } from "./field.tsx";
import { later } from "./later.ts";
import { onEvent, onStart } from "./live.ts";
import { ask, pages } from "./service.ts";
import { calmly, untilDone } from "./until-done.ts";

/** Every project that the token covers, kept current by the events. */
export const projects = signal<ReadonlyMap<string, Project>>(new Map());
export const isLoadingProjects = signal(true);
export const projectsProblem = signal<string | undefined>(undefined);

/** Events come in crowds; a project that changed is asked for once they are through. */
const CALM_MS = 120;
const PAGE = 200;

/** The projects that changed since they were asked for, and where in the log. */
const changed = new Map<string, string>();
let loading = new AbortController();

async function load(): Promise<void> {
  loading.abort();
  loading = new AbortController();
  const { signal: stop } = loading;
  changed.clear();
  isLoadingProjects.value = true;
  await untilDone(
    async () => {
      const found = new Map<string, Project>();
      for await (const page of pages<Project>("/v1/projects", { limit: PAGE }, stop)) {
        for (const project of page) found.set(project.project, later(projects.value.get(project.project), project));
        projects.value = new Map(found);
      }
    },
    stop,
    into(projectsProblem),
  );
  if (!stop.aborted) isLoadingProjects.value = false;
}

const refresh = calmly(CALM_MS, () => {
  const { signal: stop } = loading;
  return untilDone(() => askForChanged(stop), stop, into(projectsProblem));
});

/** @throws the last failure, when every other project that changed was asked for; what failed stays to be asked again. */
async function askForChanged(stop: AbortSignal): Promise<void> {
  let failure: unknown;
  for (const [name, position] of [...changed]) {
    try {
      const project = await ask<Project>(projectPath(name), { min_position: position }, stop);
      projects.value = new Map(projects.value).set(name, project);
      if (changed.get(name) === position) changed.delete(name);
    } catch (error) {
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
}

/** Follows the ledger until the function returned is called. */
export function followProjects(): () => void {
  const forgetStart = onStart(() => void load());
  const forgetEvents = onEvent(({ data, position }) => {
    changed.set(data.project, position);
    void refresh();
  });
  return () => {
    loading.abort();
    forgetStart();
    forgetEvents();
  };
}
