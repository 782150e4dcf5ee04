import { evolveProject, initialProject, type ProjectState } from "../../projections/project.ts";
import { streamOf } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import type { EventStore, ReadStreamOptions } from "../store/event-store.ts";
import { type Fold, foldedEvent } from "./project-cache.ts";

/** What commands are decided on, as the cache runs it. */
export const PROJECT_FOLD: Fold<ProjectState> = { initial: initialProject, evolve: evolveProject, weigh };

function weigh({ models, environments, commands }: ProjectState): number {
  const deployments = Object.values(environments).reduce((sum, { deployed }) => sum + deployed.length, 0);
  return models.length + deployments + commands.newerCount;
}

/** The project as its log alone says, from the first event on: neither a cache nor a snapshot has a say in it. */
export async function foldOfLog(
  store: EventStore,
  project: string,
  options: Pick<ReadStreamOptions, "maxCount" | "signal">,
): Promise<ProjectState> {
  let state = initialProject();
  for await (const stored of store.readStream(streamOf(project), options)) {
    state = evolveProject(state, foldedEvent(recorded(stored)));
  }
  return state;
}
