import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { projectPath } from "../api/project-path.ts";
import type { DeploymentResult, Project } from "./answers.ts";
import { CommandDialog } from "./command-dialog.tsx";
import { Choice, Field, into, Tick } from "./field.tsx";
import type { OpenProject } from "./open-project.ts";
import { whyOf } from "./strategies.ts";

export interface IntentProps {
  readonly open: OpenProject;
  readonly summary: Project;
  readonly onClose: () => void;
}

/** "v2 (svm) → v3 (knn) in production, as deployment 4: the best score of 3 candidates." */
function sentenceOf(answer: DeploymentResult, { active }: Project): string {
  const { environment, version, algorithm, number } = answer;
  const before = active.find((one) => one.environment === environment);
  const from = before === undefined ? "nothing" : `v${before.version} (${before.algorithm})`;
  return `${from} → v${version} (${algorithm}) in ${environment}, as deployment ${number}: ${whyOf(answer)}.`;
}

const doneSentence = ({ version, algorithm, environment, number }: DeploymentResult): string =>
  `Version ${version} (${algorithm}) is active in ${environment} now, as deployment ${number}.`;

interface Props extends IntentProps {
  readonly verb: string;
  /** "Deploy", "Roll back": what is done to the project. */
  readonly title: string;
  readonly path: "deployments" | "promotions";
  /** The command without reason, force and dryRun. */
  readonly body: object;
  /** What force would pass over. */
  readonly forces: string;
  readonly children: ComponentChildren;
}

/** What all commands that end in a deployment have in common. */
export function DeploymentDialog({ open, summary, onClose, verb, title, path, body, forces, children }: Props) {
  const force = useSignal(false);
  return (
    <CommandDialog<DeploymentResult>
      title={title}
      verb={verb}
      path={`${projectPath(open.name)}/${path}`}
      method="POST"
      body={{ ...body, ...(force.value && { force: true }) }}
      requiresReason={summary.policy.requireReason}
      preview={(answer) => sentenceOf(answer, summary)}
      done={doneSentence}
      onClose={onClose}
    >
      {children}
      <Tick label={`Force: ${forces}`} checked={force.value} onChange={into(force)} />
    </CommandDialog>
  );
}

const ANOTHER = "";

interface EnvironmentFieldProps {
  readonly label: string;
  readonly value: string;
  readonly known: readonly string[];
  readonly onChange: (environment: string) => void;
}

/** The environments there are, and a name for a new one. */
export function EnvironmentField({ label, value, known, onChange }: EnvironmentFieldProps) {
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
