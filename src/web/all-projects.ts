import { signal } from "@preact/signals";
import { projectPath } from "../api/project-path.ts";
import type { Project } from "./answers.ts";
import { onEvent, onStart } from "./live.ts";
import { ask, Problem, pages } from "./service.ts";

/** Every project that the token covers, kept current by the events. */
export const projects = signal<ReadonlyMap<string, Project>>(new Map());
export const isLoadingProjects = signal(true);
export const projectsProblem = signal<string | undefined>(undefined);

/** Events come in crowds; a project that changed is asked for once they are through. */
const CALM_MS = 120;
const PAGE = 200;

let loading = new AbortController();

async function load(): Promise<void> {
  loading.abort();
  loading = new AbortController();
  const { signal: stop } = loading;
  isLoadingProjects.value = true;
  projectsProblem.value = undefined;
  try {
    const found = new Map<string, Project>();
    for await (const page of pages<Project>("/v1/projects", { limit: PAGE }, stop)) {
      for (const project of page) found.set(project.project, project);
      projects.value = new Map(found);
    }
    isLoadingProjects.value = false;
  } catch (error) {
    if (stop.aborted) return;
    isLoadingProjects.value = false;
    projectsProblem.value = error instanceof Problem ? error.message : String(error);
  }
}

const changed = new Map<string, string>();
let timer: ReturnType<typeof setTimeout> | undefined;

async function refreshChanged(): Promise<void> {
  timer = undefined;
  const due = [...changed];
  changed.clear();
  for (const [name, position] of due) {
    try {
      const project = await ask<Project>(projectPath(name), { min_position: position });
      projects.value = new Map(projects.value).set(name, project);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      projectsProblem.value = error.message;
    }
  }
}

/** Follows the ledger until the function returned is called. */
export function followProjects(): () => void {
  const forgetStart = onStart(() => void load());
  const forgetEvents = onEvent(({ data, position }) => {
    changed.set(data.project, position);
    timer ??= setTimeout(refreshChanged, CALM_MS);
  });
  return () => {
    loading.abort();
    forgetStart();
    forgetEvents();
    clearTimeout(timer);
    timer = undefined;
  };
}
