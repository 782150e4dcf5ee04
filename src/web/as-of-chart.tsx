import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Project } from "./answers.ts";
import { AsOfSlider } from "./as-of-slider.tsx";
import { type Axis, chartData, placeOf } from "./chart-data.ts";
import { ChartTable } from "./chart-table.tsx";
import { Choice } from "./field.tsx";
import type { Asked } from "./intent.ts";
import { MetricChart } from "./metric-chart.tsx";
import type { OpenProject } from "./open-project.ts";
import { Readout } from "./readout.tsx";

interface Props {
  readonly open: OpenProject;
  readonly summary: Project;
  readonly onExplain: (deployment: Asked) => void;
}

/** The metric of every model over time, what was active as steps, and a slider that asks what served when. */
export function AsOfChart({ open, summary: { policy, models: count }, onExplain }: Props) {
  const axis = useSignal<Axis>("time");
  const view = useSignal<"chart" | "table">("chart");
  const asOf = useSignal<number | undefined>(undefined);
  const hovered = useSignal<number | undefined>(undefined);
  const isZoomed = useSignal(false);
  const unzoom = useSignal(0);
  const [models, stretches] = [open.models.value, open.stretches.value];
  const { metric } = policy;
  const data = useMemo(
    () => chartData({ models, stretches }, { metric, axis: axis.value, nowMs: Date.now() }),
    [models, stretches, metric, axis.value],
  );
  const place = asOf.value === undefined ? undefined : placeOf(asOf.value, data, axis.value);
  const isEmpty = data.marks.length === 0;

  return (
    <section aria-labelledby="metric">
      <div class="section-head">
        <h2 id="metric">{metric === null ? "What served when" : `${metric} over time, and what served when`}</h2>
        <Choice
          label="Environment"
          value={open.environment.value}
          options={open.environments.value.map((value) => ({ value, text: value }))}
          onChange={(environment) => void open.show(environment)}
        />
        <Choice
          label="Along"
          value={axis.value}
          options={[
            { value: "time", text: "time" },
            { value: "order", text: "order of events" },
          ]}
          onChange={(value) => {
            axis.value = value === "order" ? "order" : "time";
          }}
        />
        <Choice
          label="Show as"
          value={view.value}
          options={[
            { value: "chart", text: "chart" },
            { value: "table", text: "table" },
          ]}
          onChange={(value) => {
            view.value = value === "table" ? "table" : "chart";
          }}
        />
      </div>
      {models.length < count && (
        <p class="muted" role="status">
          {models.length} of {count} models are here…
        </p>
      )}
      {isEmpty && <p class="empty">The chart begins with the first training.</p>}
      {!isEmpty && view.value === "table" && <ChartTable data={data} metric={metric} />}
      {!isEmpty && view.value === "chart" && (
        <figure class="card chart">
          <figcaption>
            <Readout mark={data.marks[hovered.value ?? -1]} metric={metric} />
            {isZoomed.value && (
              <button
                type="button"
                class="link"
                onClick={() => {
                  unzoom.value += 1;
                }}
              >
                Show all of it
              </button>
            )}
          </figcaption>
          <div role="img" aria-label={inWords(data.marks.length, metric, open)}>
            <MetricChart
              data={data}
              metric={metric ?? "score"}
              axis={axis.value}
              asOf={place}
              unzoom={unzoom.value}
              onHover={(index) => {
                hovered.value = index;
              }}
              onPick={(index) => {
                const mark = data.marks[index];
                asOf.value = mark === undefined || mark.kind === "end" ? undefined : Date.parse(mark.recordedAt);
              }}
              onZoom={(zoomed) => {
                isZoomed.value = zoomed;
              }}
            />
          </div>
        </figure>
      )}
      <AsOfSlider open={open} asOf={asOf} onExplain={onExplain} />
    </section>
  );
}

function inWords(marks: number, metric: string | null, { models, stretches, environment }: OpenProject): string {
  const now = stretches.value.at(-1)?.model;
  const serving = now === undefined ? "nothing is active" : `version ${now.version} (${now.algorithm}) is active`;
  return `Chart of ${marks - 1} events: ${metric ?? "no metric"} of ${models.value.length} models, and the active model of ${environment.value} as steps through ${stretches.value.length} deployments; ${serving} now. “Show as table” says the same in words.`;
}
