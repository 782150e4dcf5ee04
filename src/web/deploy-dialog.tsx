import { useSignal } from "@preact/signals";
import { DeploymentDialog, EnvironmentField, type IntentProps } from "./deployment-dialog.tsx";
import { Choice, Field, into } from "./field.tsx";

/** Deploys by a strategy, or one model by name. */
export function DeployDialog({ model, ...props }: IntentProps & { readonly model?: number }) {
  const { open } = props;
  const strategy = useSignal(model === undefined ? "best_score" : "specific");
  const version = useSignal(model === undefined ? "" : String(model));
  const algorithm = useSignal("");
  const environment = useSignal(open.environment.value);
  const isSpecific = strategy.value === "specific";
  const body = {
    strategy: strategy.value,
    environment: environment.value,
    ...(isSpecific && { model: version.value.trim() }),
    ...(!isSpecific && algorithm.value !== "" && { algorithm: algorithm.value }),
  };
  const algorithms = [...new Set(open.models.value.map((one) => one.algorithm))].sort();
  return (
    <DeploymentDialog
      {...props}
      title={`Deploy ${open.name}`}
      verb="Deploy"
      path="deployments"
      body={body}
      forces="also while frozen, also a retired model"
    >
      <Choice
        label="Which model"
        value={strategy.value}
        options={[
          { value: "best_score", text: "the best score" },
          { value: "most_recent", text: "the most recent" },
          { value: "specific", text: "one by its version or id" },
        ]}
        onChange={into(strategy)}
      />
      {isSpecific ? (
        <Field label="Version or id" required value={version.value} onChange={into(version)} />
      ) : (
        <Choice
          label="Of which algorithm"
          value={algorithm.value}
          options={[{ value: "", text: "any" }, ...algorithms.map((value) => ({ value, text: value }))]}
          onChange={into(algorithm)}
        />
      )}
      <EnvironmentField
        label="Environment"
        value={environment.value}
        known={open.environments.value}
        onChange={into(environment)}
      />
    </DeploymentDialog>
  );
}
