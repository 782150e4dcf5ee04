import type { Signal } from "@preact/signals";
import type { Project } from "./answers.ts";
import { DeployDialog } from "./deploy-dialog.tsx";
import { freezeNow } from "./freeze.ts";
import { FreezeDialog, UnfreezeDialog } from "./freeze-dialog.tsx";
import type { Intent } from "./intent.ts";
import type { OpenProject } from "./open-project.ts";
import { PromoteDialog } from "./promote-dialog.tsx";
import { RetireDialog } from "./retire-dialog.tsx";
import { RollbackDialog } from "./rollback-dialog.tsx";
import { whyNot } from "./session.ts";

interface ActionsProps {
  readonly summary: Project;
  readonly onIntend: (intent: Intent) => void;
}

/** What can be done about the project; to whom it is not allowed it says why. */
export function Actions({ summary, onIntend }: ActionsProps) {
  const [deploying, governing] = [whyNot("deploy"), whyNot("admin")];
  const { active } = summary;
  const isFrozen = freezeNow(summary) !== null;
  return (
    <section aria-labelledby="actions" class="actions-bar">
      <h2 id="actions" class="visually-hidden">
        Actions
      </h2>
      <div class="actions">
        <button
          type="button"
          class="primary"
          disabled={deploying !== undefined}
          aria-describedby={deploying && "why-not-deploy"}
          onClick={() => onIntend({ kind: "deploy" })}
        >
          Deploy…
        </button>
        <button
          type="button"
          disabled={deploying !== undefined || active.length === 0}
          aria-describedby={deploying && "why-not-deploy"}
          onClick={() => onIntend({ kind: "rollback" })}
        >
          Roll back…
        </button>
        <button
          type="button"
          disabled={deploying !== undefined || active.length === 0}
          aria-describedby={deploying && "why-not-deploy"}
          onClick={() => onIntend({ kind: "promote" })}
        >
          Promote…
        </button>
        <button
          type="button"
          disabled={governing !== undefined}
          aria-describedby={governing && "why-not-govern"}
          onClick={() => onIntend({ kind: isFrozen ? "unfreeze" : "freeze" })}
        >
          {isFrozen ? "Unfreeze…" : "Freeze…"}
        </button>
      </div>
      {deploying !== undefined && (
        <p id="why-not-deploy" class="hint">
          Deploying is not open to you. {deploying}
        </p>
      )}
      {governing !== undefined && (
        <p id="why-not-govern" class="hint">
          Freezing is not open to you. {governing}
        </p>
      )}
    </section>
  );
}

interface IntentsProps {
  readonly open: OpenProject;
  readonly summary: Project;
  readonly intent: Signal<Intent | undefined>;
}

/** The dialog of what somebody is about to do, if anything. */
export function Intents({ open, summary, intent }: IntentsProps) {
  const wanted = intent.value;
  const common = {
    open,
    summary,
    onClose: () => {
      intent.value = undefined;
    },
  };
  switch (wanted?.kind) {
    case undefined:
      return null;
    case "deploy":
      return <DeployDialog {...common} {...wanted} />;
    case "rollback":
      return <RollbackDialog {...common} {...wanted} />;
    case "promote":
      return <PromoteDialog {...common} />;
    case "retire":
    case "reinstate":
      return <RetireDialog {...common} model={wanted.model} isRetiring={wanted.kind === "retire"} />;
    case "freeze":
      return <FreezeDialog {...common} />;
    case "unfreeze":
      return <UnfreezeDialog {...common} />;
  }
}
