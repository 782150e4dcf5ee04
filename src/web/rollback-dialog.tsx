import { useSignal } from "@preact/signals";
import { projectPath } from "../api/project-path.ts";
import type { DeploymentResult } from "./answers.ts";
import { CommandDialog } from "./command-dialog.tsx";
import { doneSentence, type IntentProps, sentenceOf } from "./deploy-dialog.tsx";
import { Choice, Field, Tick } from "./field.tsx";

interface Props extends IntentProps {
  readonly environment?: string;
  readonly toNumber?: number;
}

/** Goes back: some models, or to the model of one deployment. */
export function RollbackDialog({ open, summary, environment: given, toNumber, onClose }: Props) {
  const way = useSignal(toNumber === undefined ? "steps" : "number");
  const steps = useSignal("1");
  const number = useSignal(toNumber === undefined ? "" : String(toNumber));
  const environment = useSignal(given ?? open.environment.value);
  const force = useSignal(false);
  const body = {
    strategy: "rollback",
    environment: environment.value,
    ...(way.value === "steps" ? { steps: Number(steps.value) } : { toNumber: Number(number.value) }),
    ...(force.value && { force: true }),
  };
  return (
    <CommandDialog<DeploymentResult>
      title={`Roll back ${open.name}`}
      verb="Roll back"
      path={`${projectPath(open.name)}/deployments`}
      method="POST"
      body={body}
      requiresReason={summary.policy.requireReason}
      preview={(answer) => sentenceOf(answer, summary)}
      done={doneSentence}
      onClose={onClose}
    >
      <Choice
        label="Environment"
        value={environment.value}
        options={summary.active.map((one) => ({ value: one.environment, text: one.environment }))}
        onChange={(value) => {
          environment.value = value;
        }}
      />
      <Choice
        label="How far"
        value={way.value}
        options={[
          { value: "steps", text: "by a number of models" },
          { value: "number", text: "to the model of a deployment" },
        ]}
        onChange={(value) => {
          way.value = value;
        }}
      />
      {way.value === "steps" ? (
        <Field
          label="Models back"
          type="number"
          min={1}
          required
          value={steps.value}
          hint="1 is the model that was active before this one."
          onChange={(value) => {
            steps.value = value;
          }}
        />
      ) : (
        <Field
          label="Deployment number"
          type="number"
          min={1}
          required
          value={number.value}
          onChange={(value) => {
            number.value = value;
          }}
        />
      )}
      <Tick
        label="Force: also a retired model"
        checked={force.value}
        onChange={(checked) => {
          force.value = checked;
        }}
      />
    </CommandDialog>
  );
}
