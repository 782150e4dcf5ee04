import { useSignal } from "@preact/signals";
import type { ChartData, Mark } from "./chart-data.ts";
import { asScore } from "./format.ts";
import { Pager } from "./pager.tsx";
import { Scroll } from "./scroll.tsx";
import { asStrategy } from "./strategies.ts";
import { Time } from "./time.tsx";

const ROWS = 25;

/** The chart in words: every event that it draws, newest first. */
export function ChartTable({ data, metric }: { readonly data: ChartData; readonly metric: string | null }) {
  const first = useSignal(0);
  const events = data.marks.filter((mark) => mark.kind !== "end").reverse();
  const rows = events.slice(first.value, first.value + ROWS);
  const move = (by: number) => () => {
    first.value += by;
  };
  return (
    <>
      <Scroll label="Table of the chart">
        <table>
          <thead>
            <tr>
              <th scope="col">Recorded</th>
              <th scope="col">What happened</th>
              <th scope="col">Model</th>
              <th scope="col" class="number">
                {metric ?? "Score"}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((mark, index) => (
              <Row key={events.length - first.value - index} mark={mark} />
            ))}
          </tbody>
        </table>
      </Scroll>
      <Pager
        of="the chart's table"
        from={first.value}
        count={rows.length}
        total={events.length}
        onBack={first.value > 0 ? move(-ROWS) : undefined}
        onNext={first.value + ROWS < events.length ? move(ROWS) : undefined}
      />
    </>
  );
}

function Row({ mark }: { readonly mark: Exclude<Mark, { readonly kind: "end" }> }) {
  const { version, algorithm } = mark.kind === "trained" ? mark.model : mark;
  return (
    <tr>
      <td class="time">
        <Time at={mark.recordedAt} />
      </td>
      <td>{mark.kind === "trained" ? "trained" : `deployment ${mark.number} (${asStrategy(mark.strategy)})`}</td>
      <td class="model">
        <b>v{version}</b> {algorithm}
      </td>
      <td class="number">{asScore(mark.score)}</td>
    </tr>
  );
}
