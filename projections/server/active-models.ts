import { evolveActiveModels, initialActiveModels } from "../active-models.ts";
import { eachProject } from "./each-project.ts";

eachProject(initialActiveModels, evolveActiveModels).outputState();
