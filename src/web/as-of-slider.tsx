import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useId } from "preact/hooks";
import { projectPath } from "../api/project-path.ts";
import type { ActiveModel } from "./answers.ts";
import { FieldProblem, LAST_MOMENT, momentProblem } from "./field.tsx";
import { asExactTime, asLocalInput, asScore, asUtc } from "./format.ts";
import type { Asked } from "./intent.ts";
import type { OpenProject } from "./open-project.ts";
import { ask, Problem } from "./service.ts";
import { untilDone } from "./until-done.ts";

const STEPS = 1_000;
const SLIDING_MS = 80;

interface Props {
  readonly open: OpenProject;
  /** Milliseconds; undefined is now. */
  readonly asOf: Signal<number | undefined>;
  readonly onExplain: (deployment: Asked) => void;
}

type Answer =
  | { readonly kind: "served"; readonly active: ActiveModel }
  | { readonly kind: "nothing" }
  | { readonly kind: "problem"; readonly why: string };

/** What was serving at a moment: asked of the ledger, not guessed from the drawing. */
export function AsOfSlider({ open, asOf, onExplain }: Props) {
  const id = useId();
  const answer = useSignal<Answer | undefined>(undefined);
  /** What was typed and is no moment, until another one is asked for. */
  const refused = useSignal("");
  const [environment, changes] = [
    open.environment.value,
    open.stretches.value.map(({ activeFrom }) => Date.parse(activeFrom)),
  ];
  const began = Math.min(
    ...[open.models.value[0]?.recordedAt, open.stretches.value[0]?.activeFrom].flatMap((at) =>
      at === undefined ? [] : [Date.parse(at)],
    ),
  );
  const nowMs = Date.now();
  const from = Number.isFinite(began) ? began : nowMs;
  const span = Math.max(nowMs - from, 1);
  const at = asOf.value;
  const follows = at === undefined ? open.lastDeployment.value : "";

  useEffect(() => {
    const stop = new AbortController();
    const query = {
      environment,
      at: at === undefined ? undefined : new Date(at).toISOString(),
      min_position: follows || undefined,
    };
    const find = async () => {
      try {
        const active = await ask<ActiveModel>(`${projectPath(open.name)}/active`, query, stop.signal);
        answer.value = { kind: "served", active };
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== "NO_ACTIVE_MODEL") throw error;
        answer.value = { kind: "nothing" };
      }
    };
    const tell = (why: string | undefined) => {
      if (why !== undefined) answer.value = { kind: "problem", why };
    };
    const timer = setTimeout(() => void untilDone(find, stop.signal, tell), SLIDING_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [environment, at, follows]);

  useEffect(() => {
    refused.value = "";
  }, [at]);

  const before = changes.findLast((change) => change < (at ?? Number.POSITIVE_INFINITY));
  const next = at === undefined ? undefined : changes.find((change) => change > at);
  const show = (to: number | undefined) => {
    asOf.value = to;
    refused.value = "";
  };
  return (
    <fieldset class="as-of">
      <legend>What was serving at…</legend>
      <div class="as-of-row">
        <label class="visually-hidden" for={id}>
          A moment between the first event and now
        </label>
        <input
          id={id}
          type="range"
          min={0}
          max={STEPS}
          value={at === undefined ? STEPS : Math.round(((at - from) / span) * STEPS)}
          aria-valuetext={at === undefined ? "now" : asExactTime(at)}
          onInput={({ currentTarget: { value } }) => {
            asOf.value = Number(value) >= STEPS ? undefined : Math.round(from + (Number(value) / STEPS) * span);
          }}
        />
      </div>
      <div class="as-of-row">
        <button type="button" disabled={before === undefined} onClick={() => show(before)}>
          <span aria-hidden="true">←</span> Deployment before
        </button>
        <button type="button" disabled={next === undefined} onClick={() => show(next)}>
          Deployment after <span aria-hidden="true">→</span>
        </button>
        <button type="button" disabled={at === undefined && refused.value === ""} onClick={() => show(undefined)}>
          Now
        </button>
        <label for={`${id}-exact`}>Exactly</label>
        <input
          id={`${id}-exact`}
          type="datetime-local"
          step={1}
          max={LAST_MOMENT}
          aria-invalid={refused.value !== ""}
          aria-describedby={refused.value === "" ? undefined : `${id}-problem`}
          value={refused.value || asLocalInput(at ?? nowMs)}
          onChange={({ currentTarget: { value } }) => {
            const moment = asUtc(value);
            if (moment !== undefined) show(Date.parse(moment));
            else if (value === "") show(undefined);
            else refused.value = value;
          }}
        />
        <FieldProblem id={`${id}-problem`} text={momentProblem(refused.value)} />
      </div>
      <p class="as-of-answer" aria-live="polite">
        {answer.value && (
          <Told
            answer={answer.value}
            when={at === undefined ? "Now" : `At ${asExactTime(at)}`}
            onExplain={onExplain}
            environment={environment}
          />
        )}
      </p>
    </fieldset>
  );
}

interface ToldProps {
  readonly answer: Answer;
  readonly when: string;
  readonly environment: string;
  readonly onExplain: (deployment: Asked) => void;
}

function Told({ answer, when, environment, onExplain }: ToldProps) {
  if (answer.kind === "nothing") return <>{`${when}, nothing was serving in ${environment}.`}</>;
  if (answer.kind === "problem") return <>{answer.why}</>;
  const { version, algorithm, score, number, actor, reason } = answer.active;
  return (
    <>
      {when}, {environment} {when === "Now" ? "is" : "was"} served by <b>v{version}</b> {algorithm}
      {score !== null && ` (${asScore(score)})`}: deployment {number}, by {actor}
      {reason !== undefined && `, “${reason}”`}.{" "}
      <button type="button" class="link" onClick={() => onExplain({ number, environment })}>
        Why?
      </button>
    </>
  );
}
