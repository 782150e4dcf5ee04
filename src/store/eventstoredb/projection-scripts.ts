import { readFile } from "node:fs/promises";

/** The category that the scripts were written for. */
const CATEGORY = "modelLedger";

/** Beside the folds, from the sources as in the package: the build puts them there. */
const FOLDER = new URL("../../../projections/server/", import.meta.url);

const FOLDS = ["active-models", "deployment-history", "leaderboard"] as const;

export interface ProjectionScript {
  readonly name: string;
  readonly script: string;
}

/** The projections of a ledger whose streams are of the category, and the scripts that the server should run. */
export async function projectionScripts(category: string): Promise<readonly ProjectionScript[]> {
  return Promise.all(
    FOLDS.map(async (fold) => {
      const script = await readFile(new URL(`${fold}.js`, FOLDER), "utf8");
      return { name: `${category}-${fold}`, script: script.replaceAll(`"${CATEGORY}"`, JSON.stringify(category)) };
    }),
  );
}
