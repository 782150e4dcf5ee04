import { useSignal } from "@preact/signals";
import { projectPath } from "../api/project-path.ts";
import type { PolicyResult } from "./answers.ts";
import { CommandDialog } from "./command-dialog.tsx";
import type { IntentProps } from "./deployment-dialog.tsx";
import { Field, into } from "./field.tsx";
import { asTime, asUtc } from "./format.ts";

/** Stops every deployment but rollbacks and forced ones. */
export function FreezeDialog({ open, summary, onClose }: IntentProps) {
  const why = useSignal("");
  const until = useSignal("");
  // What is no time is not left out: without an end it would be another freeze.
  const frozen = { reason: why.value, ...(until.value !== "" && { until: asUtc(until.value) ?? until.value }) };
  const story = ({ policy }: PolicyResult) =>
    `no deployment but rollbacks and forced ones${policy.frozen?.until === undefined ? "" : `, until ${asTime(policy.frozen.until)}`}.`;
  return (
    <CommandDialog<PolicyResult>
      title={`Freeze ${open.name}`}
      verb="Freeze"
      path={`${projectPath(open.name)}/policy`}
      method="PUT"
      body={{ frozen }}
      requiresReason={summary.policy.requireReason}
      preview={story}
      done={(answer) => `${open.name} is frozen: ${story(answer)}`}
      onClose={onClose}
    >
      <Field
        label="Why it is frozen"
        required
        value={why.value}
        hint="Shown to everybody whose deployment is refused."
        onChange={into(why)}
      />
      <Field label="Until (optional)" type="datetime-local" value={until.value} onChange={into(until)} />
    </CommandDialog>
  );
}

export function UnfreezeDialog({ open, summary, onClose }: IntentProps) {
  return (
    <CommandDialog<PolicyResult>
      title={`Unfreeze ${open.name}`}
      verb="Unfreeze"
      path={`${projectPath(open.name)}/policy`}
      method="PUT"
      body={{ frozen: null }}
      requiresReason={summary.policy.requireReason}
      preview={() => "deployments are open again."}
      done={() => `Deployments of ${open.name} are open again.`}
      onClose={onClose}
    />
  );
}
