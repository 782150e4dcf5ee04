import { useSignal } from "@preact/signals";
import { DeploymentDialog, type IntentProps } from "./deployment-dialog.tsx";
import { Choice, Field, into } from "./field.tsx";

interface Props extends IntentProps {
  readonly environment?: string;
  readonly toNumber?: number;
}

/** Goes back: some models, or to the model of one deployment. */
export function RollbackDialog({ environment: given, toNumber, ...props }: Props) {
  const { open, summary } = props;
  const way = useSignal(toNumber === undefined ? "steps" : "number");
  const steps = useSignal("1");
  const number = useSignal(toNumber === undefined ? "" : String(toNumber));
  const environment = useSignal(given ?? open.environment.value);
  const body = {
    strategy: "rollback",
    environment: environment.value,
    ...(way.value === "steps" ? { steps: Number(steps.value) } : { toNumber: Number(number.value) }),
  };
  return (
    <DeploymentDialog
      {...props}
      title={`Roll back ${open.name}`}
      verb="Roll back"
      path="deployments"
      body={body}
      forces="also a retired model"
    >
      <Choice
        label="Environment"
        value={environment.value}
        options={summary.active.map((one) => ({ value: one.environment, text: one.environment }))}
        onChange={into(environment)}
      />
      <Choice
        label="How far"
        value={way.value}
        options={[
          { value: "steps", text: "by a number of models" },
          { value: "number", text: "to the model of a deployment" },
        ]}
        onChange={into(way)}
      />
      {way.value === "steps" ? (
        <Field
          label="Models back"
          type="number"
          min={1}
          required
          value={steps.value}
          hint="1 is the model that was active before this one."
          onChange={into(steps)}
        />
      ) : (
        <Field label="Deployment number" type="number" min={1} required value={number.value} onChange={into(number)} />
      )}
    </DeploymentDialog>
  );
}
