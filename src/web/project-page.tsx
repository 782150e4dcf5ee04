import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Actions, Intents } from "./actions.tsx";
import { AsOfChart } from "./as-of-chart.tsx";
import { ExplanationDialog } from "./explanation.tsx";
import { asTask, plural } from "./format.ts";
import { freezeNow } from "./freeze.ts";
import { announceDeployments } from "./hearing.ts";
import { History } from "./history.tsx";
import type { Asked, Intent } from "./intent.ts";
import { Leaderboard } from "./leaderboard.tsx";
import { Models } from "./models.tsx";
import { OpenProject } from "./open-project.ts";
import { ProblemNote } from "./problem-note.tsx";
import { PROJECTS_LINK } from "./route.ts";
import { Serving } from "./serving.tsx";
import { Time } from "./time.tsx";

/** All about one project: what serves, how it came to be, and what may be done about it. */
export function ProjectPage({ project: name }: { readonly project: string }) {
  const open = useMemo(() => new OpenProject(name), [name]);
  const intent = useMemo(() => signal<Intent | undefined>(undefined), [name]);
  const asked = useMemo(() => signal<Asked | undefined>(undefined), [name]);
  useEffect(() => () => open.close(), [open]);
  useEffect(() => announceDeployments(name), [name]);
  const explain = (deployment: Asked) => {
    asked.value = deployment;
  };
  const intend = (wanted: Intent) => {
    intent.value = wanted;
  };

  const summary = open.summary.value;
  const frozen = summary && freezeNow(summary);
  const problem = open.problem.value;
  return (
    <>
      <nav aria-label="You are here" class="crumbs">
        <a href={PROJECTS_LINK}>Projects</a> <span aria-hidden="true">/</span>
      </nav>
      <div class="page-head">
        <div>
          <h1>{name}</h1>
          {summary && (
            <p class="muted">
              {asTask(summary.task)}
              {summary.policy.metric !== null && (
                <>
                  {" "}
                  · {summary.policy.metric}, {summary.policy.goal === "maximize" ? "higher" : "lower"} is better
                </>
              )}{" "}
              · {plural(summary.models, "model")} · {plural(summary.deployments, "deployment")}
            </p>
          )}
        </div>
        {summary && <Actions summary={summary} onIntend={intend} />}
      </div>
      <ProblemNote text={problem} />
      {frozen && (
        <p class="problem warn">
          <b>Frozen</b>: {frozen.reason}
          {frozen.until !== undefined && (
            <>
              {" "}
              (until <Time at={frozen.until} />)
            </>
          )}
          . Rollbacks still pass.
        </p>
      )}
      {summary && (
        <>
          <Serving open={open} summary={summary} onExplain={explain} />
          <AsOfChart open={open} summary={summary} onExplain={explain} />
          <History open={open} onExplain={explain} onIntend={intend} />
          <Leaderboard open={open} onIntend={intend} />
          <Models open={open} summary={summary} onIntend={intend} />
          <Intents open={open} summary={summary} intent={intent} />
        </>
      )}
      {asked.value && (
        <ExplanationDialog
          project={name}
          asked={asked.value}
          onClose={() => {
            asked.value = undefined;
          }}
        />
      )}
    </>
  );
}
