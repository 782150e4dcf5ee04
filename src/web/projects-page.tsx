import { useSignal } from "@preact/signals";
import { useEffect, useId, useMemo } from "preact/hooks";
import { followProjects, isLoadingProjects, projects, projectsProblem } from "./all-projects.ts";
import type { ActiveModel, Project } from "./answers.ts";
import { asScore, asTask, plural } from "./format.ts";
import { freezeNow } from "./freeze.ts";
import { announceDeployments, arrival } from "./hearing.ts";
import { Pager } from "./pager.tsx";
import { ProblemNote } from "./problem-note.tsx";
import { projectLink } from "./route.ts";
import { Ago } from "./time.tsx";

const ROWS = 50;

/** Every project with what is active in each of its environments, as it changes. */
export function ProjectsPage() {
  const id = useId();
  const search = useSignal("");
  const first = useSignal(0);
  useEffect(followProjects, []);
  useEffect(() => announceDeployments(), []);

  const all = projects.value;
  const found = useMemo(() => {
    const wanted = search.value.trim().toLowerCase();
    return [...all.values()]
      .filter(({ project }) => project.toLowerCase().includes(wanted))
      .sort((a, b) => a.project.localeCompare(b.project));
  }, [all, search.value]);
  const rows = found.slice(first.value, first.value + ROWS);
  const move = (by: number) => () => {
    first.value += by;
  };

  return (
    <>
      <div class="page-head">
        <h1>Projects</h1>
        <p class="muted">{isLoadingProjects.value ? "Loading…" : plural(all.size, "project")}</p>
        <div class="search">
          <label class="visually-hidden" for={id}>
            Find a project
          </label>
          <input
            id={id}
            type="search"
            placeholder="Find a project"
            value={search.value}
            onInput={(event) => {
              search.value = event.currentTarget.value;
              first.value = 0;
            }}
          />
        </div>
      </div>
      <ProblemNote text={projectsProblem.value} />
      {rows.length > 0 && (
        <ul class="projects">
          {rows.map((project) => (
            <ProjectRow key={project.project} project={project} />
          ))}
        </ul>
      )}
      {rows.length === 0 && !isLoadingProjects.value && projectsProblem.value === undefined && (
        <Nothing isSearch={all.size > 0} />
      )}
      <Pager
        of="projects"
        from={first.value}
        count={rows.length}
        total={found.length}
        onBack={first.value > 0 ? move(-ROWS) : undefined}
        onNext={first.value + ROWS < found.length ? move(ROWS) : undefined}
      />
    </>
  );
}

function Nothing({ isSearch }: { readonly isSearch: boolean }) {
  if (isSearch) return <p class="empty">No project has that in its name.</p>;
  return (
    <div class="empty">
      <p>No project yet. The first training begins one:</p>
      <pre>
        <code>model-ledger train "Digits" --task classification --algorithm svm --metric f1=0.91</code>
      </pre>
    </div>
  );
}

function ProjectRow({ project }: { readonly project: Project }) {
  const { project: name, task, active, models, deployments, policy } = project;
  return (
    <li class="card project">
      <div class="project-name">
        <h2>
          <a href={projectLink(name)}>{name}</a>
        </h2>
        <p class="muted">
          {asTask(task)} · {plural(models, "model")} · {plural(deployments, "deployment")}
          {freezeNow(project) !== null && <span class="badge warn">frozen</span>}
        </p>
      </div>
      {active.length === 0 ? (
        <p class="muted">nothing is active</p>
      ) : (
        <ul class="actives">
          {active.map((one) => (
            <ActiveLine key={`${one.environment} ${one.deploymentId}`} active={one} metric={policy.metric} />
          ))}
        </ul>
      )}
    </li>
  );
}

function ActiveLine({ active, metric }: { readonly active: ActiveModel; readonly metric: string | null }) {
  const { environment, version, algorithm, score, recordedAt, actor } = active;
  return (
    <li class={`active ${arrival(active.deploymentId)}`}>
      <span class="environment">{environment}</span>
      <span class="what">
        <b>v{version}</b> {algorithm}
      </span>
      <span class="score">
        {metric !== null && (
          <>
            {metric} <b>{asScore(score)}</b>
          </>
        )}
      </span>
      <span class="muted since">
        <Ago at={recordedAt} />, {actor}
      </span>
    </li>
  );
}
