import type { Mark } from "./chart-data.ts";
import { asExactTime, asScore } from "./format.ts";
import { asStrategy } from "./strategies.ts";

/** What the pointer is at; else what the signs of the chart mean. */
export function Readout({ mark, metric }: { readonly mark: Mark | undefined; readonly metric: string | null }) {
  if (mark === undefined || mark.kind === "end") {
    return (
      <ul class="legend">
        <li class="key-dot">a model</li>
        <li class="key-retired">retired</li>
        <li class="key-line">active</li>
        <li class="key-ring">a deployment</li>
      </ul>
    );
  }
  const score = metric === null ? "" : `, ${metric} ${asScore(mark.score)}`;
  if (mark.kind === "trained") {
    const { version, algorithm, isRetired } = mark.model;
    return (
      <p class="readout">
        <b>v{version}</b> {algorithm}
        {score} · {isRetired ? "retired, trained" : "trained"} {asExactTime(mark.recordedAt)}
      </p>
    );
  }
  return (
    <p class="readout">
      Deployment {mark.number}: <b>v{mark.version}</b> {mark.algorithm}
      {score} · {asStrategy(mark.strategy)} · {asExactTime(mark.recordedAt)}
    </p>
  );
}
