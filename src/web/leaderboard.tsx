import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { projectPath } from "../api/project-path.ts";
import type { LeaderboardEntry, Page } from "./answers.ts";
import { asScore } from "./format.ts";
import type { Intent } from "./intent.ts";
import type { OpenProject } from "./open-project.ts";
import { Pager } from "./pager.tsx";
import { RowAction } from "./row-action.tsx";
import { Scroll } from "./scroll.tsx";
import { ask, Problem } from "./service.ts";
import { Time } from "./time.tsx";

const ROWS = 10;
/** Trainings come in crowds, and each may change the order. */
const CALM_MS = 200;

interface Props {
  readonly open: OpenProject;
  readonly onIntend: (intent: Intent) => void;
}

/** The models that could be deployed, best first by the metric that decides. */
export function Leaderboard({ open, onIntend }: Props) {
  const cursors = useSignal<readonly string[]>([]);
  const page = useSignal<Page<LeaderboardEntry> | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const cursor = cursors.value.at(-1);
  const follows = open.lastEvent.value;
  useEffect(() => {
    const stop = new AbortController();
    const query = { limit: ROWS, cursor, min_position: follows || undefined };
    const timer = setTimeout(async () => {
      try {
        page.value = await ask<Page<LeaderboardEntry>>(`${projectPath(open.name)}/leaderboard`, query, stop.signal);
        problem.value = undefined;
      } catch (error) {
        if (!stop.signal.aborted) problem.value = error instanceof Problem ? error.message : String(error);
      }
    }, CALM_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [cursor, follows]);

  const { items = [], next } = page.value ?? {};
  return (
    <section aria-labelledby="leaderboard">
      <h2 id="leaderboard">Leaderboard</h2>
      {problem.value !== undefined && (
        <p role="alert" class="problem">
          {problem.value}
        </p>
      )}
      {page.value !== undefined && items.length === 0 ? (
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
                  {items[0]?.metric ?? "Score"}
                </th>
                <th scope="col">Active in</th>
                <th scope="col">Trained</th>
                <th scope="col">
                  <span class="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map(({ place, version, algorithm, score, activeIn, trainedAt }) => (
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
      <Pager
        of="the leaderboard"
        from={cursors.value.length * ROWS}
        count={items.length}
        onBack={
          cursors.value.length === 0
            ? undefined
            : () => {
                cursors.value = cursors.value.slice(0, -1);
              }
        }
        onNext={
          next === undefined
            ? undefined
            : () => {
                cursors.value = [...cursors.value, next];
              }
        }
      />
    </section>
  );
}
