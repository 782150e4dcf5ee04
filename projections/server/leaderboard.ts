import { leaderboard } from "../leaderboard.ts";
import { evolveProject, initialProject } from "../project.ts";
import { eachProject } from "./each-project.ts";

// Its state is the project fold, which knows who is retired and what the policy ranks by; its result the leaderboard.
eachProject(initialProject, evolveProject).transformBy((state) => leaderboard(state, state.ranking));
