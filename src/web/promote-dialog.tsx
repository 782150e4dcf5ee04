import { useSignal } from "@preact/signals";
import { projectPath } from "../api/project-path.ts";
import type { DeploymentResult } from "./answers.ts";
import { CommandDialog } from "./command-dialog.tsx";
import { doneSentence, EnvironmentField, type IntentProps, sentenceOf } from "./deploy-dialog.tsx";
import { Choice, Tick } from "./field.tsx";

/** Deploys into one environment what is active in another. */
export function PromoteDialog({ open, summary, onClose }: IntentProps) {
  const sources = summary.active.map(({ environment }) => environment);
  const shown = open.environment.value;
  const from = useSignal(sources.find((name) => name !== "production") ?? shown);
  const to = useSignal(open.environments.value.find((name) => name !== from.value) ?? "");
  const force = useSignal(false);
  return (
    <CommandDialog<DeploymentResult>
      title={`Promote in ${open.name}`}
      verb="Promote"
      path={`${projectPath(open.name)}/promotions`}
      method="POST"
      body={{ from: from.value, to: to.value, ...(force.value && { force: true }) }}
      requiresReason={summary.policy.requireReason}
      preview={(answer) => sentenceOf(answer, summary)}
      done={doneSentence}
      onClose={onClose}
    >
      <Choice
        label="What is active in"
        value={from.value}
        options={sources.map((value) => ({ value, text: value }))}
        onChange={(value) => {
          from.value = value;
        }}
      />
      <EnvironmentField
        label="Into"
        value={to.value}
        known={open.environments.value}
        onChange={(value) => {
          to.value = value;
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
