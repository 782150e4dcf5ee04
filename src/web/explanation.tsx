import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { projectPath } from "../api/project-path.ts";
import type { Explanation } from "./answers.ts";
import { Dialog } from "./dialog.tsx";
import { asScore } from "./format.ts";
import type { Asked } from "./intent.ts";
import { ProblemNote } from "./problem-note.tsx";
import { ask, Problem } from "./service.ts";
import { asStrategy } from "./strategies.ts";
import { Time } from "./time.tsx";

interface Props {
  readonly project: string;
  readonly asked: Asked;
  readonly onClose: () => void;
}

/** Why a deployment happened, as the ledger itself explains it. */
export function ExplanationDialog({ project, asked: { number, environment }, onClose }: Props) {
  const explanation = useSignal<Explanation | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const stop = new AbortController();
    ask<Explanation>(`${projectPath(project)}/deployments/${number}/explanation`, { environment }, stop.signal).then(
      (answer) => {
        explanation.value = answer;
      },
      (error: unknown) => {
        if (!stop.signal.aborted) problem.value = error instanceof Problem ? error.message : String(error);
      },
    );
    return () => stop.abort();
  }, [project, number, environment]);
  return (
    <Dialog title={`Deployment ${number} in ${environment}`} onClose={onClose}>
      <ProblemNote text={problem.value} />
      <div aria-live="polite">
        {explanation.value === undefined ? (
          problem.value === undefined && <p class="muted">Asking the ledger…</p>
        ) : (
          <Explained explanation={explanation.value} />
        )}
      </div>
    </Dialog>
  );
}

function Explained({
  explanation: { deployment, sentence, paragraph, candidates, replaced, replayed },
}: {
  readonly explanation: Explanation;
}) {
  const { strategy, decision, version, algorithm, actor, reason, recordedAt, commandId } = deployment;
  return (
    <>
      <p class="sentence">{sentence}</p>
      <details>
        <summary>In plain words</summary>
        <p>{paragraph}</p>
      </details>
      <dl class="facts wide">
        <Fact name="model">
          v{version} ({algorithm})
        </Fact>
        <Fact name="strategy">{asStrategy(strategy)}</Fact>
        {decision.metric !== null && (
          <Fact name={decision.metric}>
            {asScore(decision.score)}, before it {asScore(decision.previousScore)}
          </Fact>
        )}
        <Fact name="replaced">
          {replaced === null
            ? "nothing"
            : `v${replaced.version} (${replaced.algorithm}), deployment ${replaced.number}`}
        </Fact>
        {replayed !== null && (
          <Fact name="repeats">
            deployment {replayed.number} (v{replayed.version})
          </Fact>
        )}
        <Fact name="by">{actor}</Fact>
        {reason !== undefined && <Fact name="reason">{reason}</Fact>}
        <Fact name="recorded">
          <Time at={recordedAt} />
        </Fact>
        <Fact name="command">
          <code>{commandId}</code>
        </Fact>
      </dl>
      {candidates.others.length > 0 && (
        <>
          <h3>The best of the other candidates</h3>
          <ul class="plain">
            {candidates.others.map((other) => (
              <li key={other.version}>
                <b>v{other.version}</b> {other.algorithm}: {other.lostBecause}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
