import { useSignal } from "@preact/signals";
import { projectPath } from "../api/project-path.ts";
import type { Deployment } from "./answers.ts";
import { Choice, Field } from "./field.tsx";
import { asScore, asUtc } from "./format.ts";
import { arrival } from "./hearing.ts";
import type { Asked, Intent } from "./intent.ts";
import type { OpenProject } from "./open-project.ts";
import { usePaged } from "./paged.ts";
import { Pager } from "./pager.tsx";
import { ProblemNote } from "./problem-note.tsx";
import { RowAction } from "./row-action.tsx";
import { Scroll } from "./scroll.tsx";
import { asStrategy, STRATEGIES } from "./strategies.ts";
import { Time } from "./time.tsx";

const ROWS = 15;

const NO_FILTER = { environment: "", strategy: "", actor: "", algorithm: "", model: "", from: "", to: "" } as const;
type Filter = Readonly<Record<keyof typeof NO_FILTER, string>>;

interface Props {
  readonly open: OpenProject;
  readonly onExplain: (deployment: Asked) => void;
  readonly onIntend: (intent: Intent) => void;
}

/** Every deployment, newest first, filtered by the service; the first page follows what happens. */
export function History({ open, onExplain, onIntend }: Props) {
  const filter = useSignal<Filter>(NO_FILTER);
  const { from, to, ...rest } = filter.value;
  const { items, problem, pager, restart } = usePaged<Deployment>({
    path: `${projectPath(open.name)}/deployments`,
    query: { ...rest, from: asUtc(from), to: asUtc(to) },
    rows: ROWS,
    follows: (isFirst) => (isFirst ? open.lastDeployment.value : undefined),
  });
  return (
    <section aria-labelledby="history">
      <h2 id="history">History</h2>
      <Filters
        filter={filter.value}
        environments={open.environments.value}
        onChange={(changed) => {
          filter.value = { ...filter.value, ...changed };
          restart();
        }}
      />
      <ProblemNote text={problem} />
      <Scroll label="Table of the history">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                Number
              </th>
              <th scope="col">Environment</th>
              <th scope="col">Model</th>
              <th scope="col" class="number minor">
                Score
              </th>
              <th scope="col">Strategy</th>
              <th scope="col" class="minor">
                By
              </th>
              <th scope="col" class="minor">
                Reason
              </th>
              <th scope="col">Recorded</th>
              <th scope="col">
                <span class="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items?.map((one) => (
              <Row key={one.deploymentId} deployment={one} onExplain={onExplain} onIntend={onIntend} />
            ))}
          </tbody>
        </table>
      </Scroll>
      {items?.length === 0 && <p class="empty">No deployment is like that.</p>}
      <Pager of="history" {...pager} />
    </section>
  );
}

interface FiltersProps {
  readonly filter: Filter;
  readonly environments: readonly string[];
  readonly onChange: (changed: Partial<Filter>) => void;
}

function Filters({ filter, environments, onChange }: FiltersProps) {
  const strategies = STRATEGIES.map((strategy) => ({ value: strategy, text: asStrategy(strategy) }));
  return (
    <form class="filters" aria-label="Filter the history" onSubmit={(event) => event.preventDefault()}>
      <Choice
        label="Environment"
        value={filter.environment}
        options={[{ value: "", text: "every" }, ...environments.map((value) => ({ value, text: value }))]}
        onChange={(environment) => onChange({ environment })}
      />
      <Choice
        label="Strategy"
        value={filter.strategy}
        options={[{ value: "", text: "every" }, ...strategies]}
        onChange={(strategy) => onChange({ strategy })}
      />
      <Field label="By" value={filter.actor} onChange={(actor) => onChange({ actor })} />
      <Field label="Algorithm" value={filter.algorithm} onChange={(algorithm) => onChange({ algorithm })} />
      <Field label="Version" inputMode="numeric" value={filter.model} onChange={(model) => onChange({ model })} />
      <Field label="From" type="datetime-local" value={filter.from} onChange={(from) => onChange({ from })} />
      <Field label="Before" type="datetime-local" value={filter.to} onChange={(to) => onChange({ to })} />
      <button
        type="button"
        disabled={Object.values(filter).every((value) => value === "")}
        onClick={() => onChange(NO_FILTER)}
      >
        Clear
      </button>
    </form>
  );
}

function Row({ deployment, onExplain, onIntend }: Omit<Props, "open"> & { readonly deployment: Deployment }) {
  const { number, environment, version, algorithm, decision, strategy, actor, reason, recordedAt } = deployment;
  return (
    <tr class={arrival(deployment.deploymentId)}>
      <td class="number">{number}</td>
      <td>{environment}</td>
      <td class="model">
        <b>v{version}</b> {algorithm}
      </td>
      <td class="number minor">{asScore(decision.score)}</td>
      <td>
        <span class={`tag tag-${strategy}`}>{asStrategy(strategy)}</span>
      </td>
      <td class="who minor">{actor}</td>
      <td class="reason minor">{reason}</td>
      <td class="time">
        <Time at={recordedAt} />
      </td>
      <td class="row-actions">
        <button type="button" class="link" onClick={() => onExplain({ number, environment })}>
          Explain
          <span class="visually-hidden">
            {" "}
            deployment {number} in {environment}
          </span>
        </button>
        <RowAction onClick={() => onIntend({ kind: "rollback", environment, toNumber: number })}>
          Go back here
          <span class="visually-hidden">
            {" "}
            ({environment}, deployment {number})
          </span>
        </RowAction>
      </td>
    </tr>
  );
}
