import { evolveDeploymentHistory, initialDeploymentHistory } from "../deployment-history.ts";
import { eachProject } from "./each-project.ts";

// No output: written out whole after each deployment it would grow with the square of their number. Ask for its state.
eachProject(initialDeploymentHistory, evolveDeploymentHistory);
