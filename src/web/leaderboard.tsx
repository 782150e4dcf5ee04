import { projectPath } from "../api/project-path.ts";
import type { LeaderboardEntry } from "./answers.ts";
import { asScore } from "./format.ts";
import type { Intent } from "./intent.ts";
import type { OpenProject } from "./open-project.ts";
import { usePaged } from "./paged.ts";
import { Pager } from "./pager.tsx";
import { ProblemNote } from "./problem-note.tsx";
import { RowAction } from "./row-action.tsx";
import { Scroll } from "./scroll.tsx";
import { Time } from "./time.tsx";

const ROWS = 10;

interface Props {
  readonly open: OpenProject;
  readonly onIntend: (intent: Intent) => void;
}

/** The models that could be deployed, best first by the metric that decides. */
export function Leaderboard({ open, onIntend }: Props) {
  const { items, problem, pager } = usePaged<LeaderboardEntry>({
    path: `${projectPath(open.name)}/leaderboard`,
    query: {},
    rows: ROWS,
    follows: () => open.lastEvent.value, // each training may change the order
  });
  return (
    <section aria-labelledby="leaderboard">
      <h2 id="leaderboard">Leaderboard</h2>
      <ProblemNote text={problem} />
      {items?.length === 0 ? (
        <p class="empty">No model has a score that decides.</p>
      ) : (
        <Scroll label="Table of the leaderboard">
          <table>
            <thead>
              <tr>
                <th scope="col" class="number">
                  Place
                </th>
                <th scope="col">Model</th>
                <th scope="col" class="number">
                  {items?.[0]?.metric ?? "Score"}
                </th>
                <th scope="col">Active in</th>
                <th scope="col">Trained</th>
                <th scope="col">
                  <span class="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items?.map(({ place, version, algorithm, score, activeIn, trainedAt }) => (
                <tr key={version}>
                  <td class="number">{place}</td>
                  <td class="model">
                    <b>v{version}</b> {algorithm}
                  </td>
                  <td class="number">{asScore(score)}</td>
                  <td>
                    {activeIn.map((environment) => (
                      <span key={environment} class="badge">
                        {environment}
                      </span>
                    ))}
                  </td>
                  <td class="time">
                    <Time at={trainedAt} />
                  </td>
                  <td class="row-actions">
                    <RowAction onClick={() => onIntend({ kind: "deploy", model: version })}>
                      Deploy<span class="visually-hidden"> version {version}</span>
                    </RowAction>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <Pager of="the leaderboard" {...pager} />
    </section>
  );
}
