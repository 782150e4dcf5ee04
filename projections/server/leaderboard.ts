import { leaderboard } from "../leaderboard.ts";
import { evolveProject, initialProject } from "../project.ts";
import { eachProject } from "./each-project.ts";

/** The server keeps every result that it ever wrote: whole, they would grow with the square of a project's models. */
const PLACES_SHOWN = 100;

// Its state is the project fold, which knows who is retired and what the policy ranks by; its result the leaderboard.
eachProject(initialProject, evolveProject).transformBy((state) =>
  leaderboard(state, state.ranking).slice(0, PLACES_SHOWN),
);
