import { useSignal } from "@preact/signals";
import { DeploymentDialog, EnvironmentField, type IntentProps } from "./deployment-dialog.tsx";
import { Choice, into } from "./field.tsx";

/** Deploys into one environment what is active in another. */
export function PromoteDialog(props: IntentProps) {
  const { open, summary } = props;
  const sources = summary.active.map(({ environment }) => environment);
  const from = useSignal(sources.find((name) => name !== "production") ?? open.environment.value);
  const to = useSignal(open.environments.value.find((name) => name !== from.value) ?? "");
  return (
    <DeploymentDialog
      {...props}
      title={`Promote in ${open.name}`}
      verb="Promote"
      path="promotions"
      body={{ from: from.value, to: to.value }}
      forces="also while frozen, also a retired model"
    >
      <Choice
        label="What is active in"
        value={from.value}
        options={sources.map((value) => ({ value, text: value }))}
        onChange={into(from)}
      />
      <EnvironmentField label="Into" value={to.value} known={open.environments.value} onChange={into(to)} />
    </DeploymentDialog>
  );
}
