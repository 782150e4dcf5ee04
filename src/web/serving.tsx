import type { Project } from "./answers.ts";
import { asScore } from "./format.ts";
import { arrival } from "./hearing.ts";
import type { Asked } from "./intent.ts";
import type { OpenProject } from "./open-project.ts";
import { Ago } from "./time.tsx";

interface Props {
  readonly open: OpenProject;
  readonly summary: Project;
  readonly onExplain: (deployment: Asked) => void;
}

/** The active model of each environment; the chosen one is what chart and slider are about. */
export function Serving({ open, summary, onExplain }: Props) {
  const { active, policy } = summary;
  return (
    <section aria-labelledby="serving">
      <h2 id="serving">Now serving</h2>
      {active.length === 0 ? (
        <p class="empty">Nothing was deployed yet.</p>
      ) : (
        <ul class="cards">
          {active.map((one) => (
            <li
              key={`${one.environment} ${one.deploymentId}`}
              class={`card serving ${arrival(one.deploymentId)} ${one.environment === open.environment.value ? "chosen" : ""}`}
            >
              <h3>{one.environment}</h3>
              <p class="headline">
                <b>v{one.version}</b> {one.algorithm}
              </p>
              <dl class="facts">
                {policy.metric !== null && (
                  <div>
                    <dt>{policy.metric}</dt>
                    <dd>{asScore(one.score)}</dd>
                  </div>
                )}
                <div>
                  <dt>since</dt>
                  <dd>
                    <Ago at={one.recordedAt} />
                  </dd>
                </div>
                <div>
                  <dt>by</dt>
                  <dd>{one.actor}</dd>
                </div>
                {one.reason !== undefined && (
                  <div>
                    <dt>reason</dt>
                    <dd>{one.reason}</dd>
                  </div>
                )}
              </dl>
              <button
                type="button"
                class="link"
                onClick={() => onExplain({ number: one.number, environment: one.environment })}
              >
                Why?{" "}
                <span class="visually-hidden">
                  Explain deployment {one.number} in {one.environment}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
