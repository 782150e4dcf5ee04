import { useSignal } from "@preact/signals";
import { projectPath } from "../api/project-path.ts";
import type { DeploymentResult, Project } from "./answers.ts";
import { CommandDialog } from "./command-dialog.tsx";
import { Choice, Field, Tick } from "./field.tsx";
import type { OpenProject } from "./open-project.ts";
import { whyOf } from "./strategies.ts";

export interface IntentProps {
  readonly open: OpenProject;
  readonly summary: Project;
  readonly onClose: () => void;
}

/** "v2 (svm) → v3 (knn) in production, as deployment 4: the best score of 3 candidates." */
export function sentenceOf(answer: DeploymentResult, { active }: Project): string {
  const { environment, version, algorithm, number } = answer;
  const before = active.find((one) => one.environment === environment);
  const from = before === undefined ? "nothing" : `v${before.version} (${before.algorithm})`;
  return `${from} → v${version} (${algorithm}) in ${environment}, as deployment ${number}: ${whyOf(answer)}.`;
}

export const doneSentence = ({ version, algorithm, environment, number }: DeploymentResult): string =>
  `Version ${version} (${algorithm}) is active in ${environment} now, as deployment ${number}.`;

const ANOTHER = "";

/** The environments there are, and a name for a new one. */
export function EnvironmentField({
  label,
  value,
  known,
  onChange,
}: {
  readonly label: string;
  readonly value: string;
  readonly known: readonly string[];
  readonly onChange: (environment: string) => void;
}) {
  const isNew = useSignal(!known.includes(value));
  const options = [...known.map((name) => ({ value: name, text: name })), { value: ANOTHER, text: "another…" }];
  return (
    <>
      <Choice
        label={label}
        value={isNew.value ? ANOTHER : value}
        options={options}
        onChange={(chosen) => {
          isNew.value = chosen === ANOTHER;
          onChange(chosen);
        }}
      />
      {isNew.value && (
        <Field label={`${label}: its name`} required value={value} hint="For example staging." onChange={onChange} />
      )}
    </>
  );
}

/** Deploys by a strategy, or one model by name. */
export function DeployDialog({ open, summary, model, onClose }: IntentProps & { readonly model?: number }) {
  const strategy = useSignal(model === undefined ? "best_score" : "specific");
  const version = useSignal(model === undefined ? "" : String(model));
  const algorithm = useSignal("");
  const environment = useSignal(open.environment.value);
  const force = useSignal(false);
  const isSpecific = strategy.value === "specific";
  const body = {
    strategy: strategy.value,
    environment: environment.value,
    ...(isSpecific && { model: version.value.trim() }),
    ...(!isSpecific && algorithm.value !== "" && { algorithm: algorithm.value }),
    ...(force.value && { force: true }),
  };
  const algorithms = [...new Set(open.models.value.map((one) => one.algorithm))].sort();
  return (
    <CommandDialog<DeploymentResult>
      title={`Deploy ${open.name}`}
      verb="Deploy"
      path={`${projectPath(open.name)}/deployments`}
      method="POST"
      body={body}
      requiresReason={summary.policy.requireReason}
      preview={(answer) => sentenceOf(answer, summary)}
      done={doneSentence}
      onClose={onClose}
    >
      <Choice
        label="Which model"
        value={strategy.value}
        options={[
          { value: "best_score", text: "the best score" },
          { value: "most_recent", text: "the most recent" },
          { value: "specific", text: "one by its version or id" },
        ]}
        onChange={(value) => {
          strategy.value = value;
        }}
      />
      {isSpecific ? (
        <Field
          label="Version or id"
          required
          value={version.value}
          onChange={(value) => {
            version.value = value;
          }}
        />
      ) : (
        <Choice
          label="Of which algorithm"
          value={algorithm.value}
          options={[{ value: "", text: "any" }, ...algorithms.map((value) => ({ value, text: value }))]}
          onChange={(value) => {
            algorithm.value = value;
          }}
        />
      )}
      <EnvironmentField
        label="Environment"
        value={environment.value}
        known={open.environments.value}
        onChange={(value) => {
          environment.value = value;
        }}
      />
      <Tick
        label="Force: also while frozen, also a retired model"
        checked={force.value}
        onChange={(checked) => {
          force.value = checked;
        }}
      />
    </CommandDialog>
  );
}
