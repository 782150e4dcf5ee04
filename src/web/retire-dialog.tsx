import { projectPath } from "../api/project-path.ts";
import type { RetirementResult } from "./answers.ts";
import { CommandDialog } from "./command-dialog.tsx";
import type { IntentProps } from "./deployment-dialog.tsx";

interface Props extends IntentProps {
  readonly model: number;
  readonly isRetiring: boolean;
}

/** Takes a model out of the running, or lets it in again. */
export function RetireDialog({ open, summary, model, isRetiring, onClose }: Props) {
  return (
    <CommandDialog<RetirementResult>
      title={`${isRetiring ? "Retire" : "Reinstate"} version ${model}`}
      verb={isRetiring ? "Retire" : "Reinstate"}
      path={`${projectPath(open.name)}/models/${model}/retirement`}
      method={isRetiring ? "POST" : "DELETE"}
      body={{}}
      requiresReason={summary.policy.requireReason}
      preview={({ version, activeIn }) =>
        isRetiring
          ? `version ${version} will not be deployed any more, unless somebody forces it.${stays(activeIn)}`
          : `version ${version} can be deployed again.`
      }
      done={({ version, activeIn }) =>
        isRetiring ? `Version ${version} is retired.${stays(activeIn)}` : `Version ${version} can be deployed again.`
      }
      onClose={onClose}
    />
  );
}

function stays(activeIn: readonly string[]): string {
  return activeIn.length === 0 ? "" : ` It stays active in ${activeIn.join(" and ")} until the next deployment there.`;
}
