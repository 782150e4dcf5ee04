import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Model, Project } from "./answers.ts";
import { scoreOf } from "./chart-data.ts";
import { Choice, Field } from "./field.tsx";
import { asScore } from "./format.ts";
import type { Intent } from "./intent.ts";
import type { OpenProject } from "./open-project.ts";
import { Pager } from "./pager.tsx";
import { RowAction } from "./row-action.tsx";
import { Scroll } from "./scroll.tsx";
import { Time } from "./time.tsx";

const ROWS = 15;

interface Props {
  readonly open: OpenProject;
  readonly summary: Project;
  readonly onIntend: (intent: Intent) => void;
}

type Column = "version" | "score";
interface Order {
  readonly column: Column;
  readonly isDescending: boolean;
}

/** All models, also those that are retired or have no score. */
export function Models({ open, summary: { policy }, onIntend }: Props) {
  const algorithm = useSignal("");
  const version = useSignal("");
  const order = useSignal<Order>({ column: "version", isDescending: true });
  const first = useSignal(0);
  const all = open.models.value;
  const algorithms = useMemo(() => [...new Set(all.map((model) => model.algorithm))].sort(), [all]);
  const found = useMemo(
    () => sorted(all.filter(isLike(algorithm.value, version.value)), order.value, policy.metric),
    [all, algorithm.value, version.value, order.value, policy.metric],
  );
  const rows = found.slice(first.value, first.value + ROWS);
  const move = (by: number) => () => {
    first.value += by;
  };
  return (
    <section aria-labelledby="models">
      <h2 id="models">Models</h2>
      <form class="filters" aria-label="Filter the models" onSubmit={(event) => event.preventDefault()}>
        <Choice
          label="Algorithm"
          value={algorithm.value}
          options={[{ value: "", text: "every" }, ...algorithms.map((value) => ({ value, text: value }))]}
          onChange={(value) => {
            algorithm.value = value;
            first.value = 0;
          }}
        />
        <Field
          label="Version"
          inputMode="numeric"
          value={version.value}
          onChange={(value) => {
            version.value = value;
            first.value = 0;
          }}
        />
      </form>
      <Scroll label="Table of the models">
        <table>
          <thead>
            <tr>
              <Sortable title="Version" column="version" order={order.value} onOrder={setOrder} />
              <th scope="col">Algorithm</th>
              <Sortable title={policy.metric ?? "Score"} column="score" order={order.value} onOrder={setOrder} />
              <th scope="col" class="minor">
                At its training
              </th>
              <th scope="col" class="minor">
                By
              </th>
              <th scope="col">Recorded</th>
              <th scope="col">
                <span class="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((model) => (
              <Row key={model.version} model={model} metric={policy.metric} onIntend={onIntend} />
            ))}
          </tbody>
        </table>
      </Scroll>
      {found.length === 0 && <p class="empty">No model is like that.</p>}
      <Pager
        of="models"
        from={first.value}
        count={rows.length}
        total={found.length}
        onBack={first.value > 0 ? move(-ROWS) : undefined}
        onNext={first.value + ROWS < found.length ? move(ROWS) : undefined}
      />
    </section>
  );

  function setOrder(wanted: Order): void {
    order.value = wanted;
    first.value = 0;
  }
}

const isLike =
  (algorithm: string, version: string) =>
  (model: Model): boolean =>
    (algorithm === "" || model.algorithm === algorithm) &&
    (version.trim() === "" || String(model.version) === version.trim().replace(/^v/, ""));

function sorted(models: readonly Model[], { column, isDescending }: Order, metric: string | null): readonly Model[] {
  const sign = isDescending ? -1 : 1;
  return models.toSorted((a, b) => {
    if (column === "version") return sign * (a.version - b.version);
    const [left, right] = [scoreOf(a, metric), scoreOf(b, metric)];
    // Those without a score are last either way.
    if (left === null || right === null) return Number(left === null) - Number(right === null) || a.version - b.version;
    return sign * (left - right) || a.version - b.version;
  });
}

interface SortableProps {
  readonly title: string;
  readonly column: Column;
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
}

function Sortable({ title, column, order, onOrder }: SortableProps) {
  const isSorted = order.column === column;
  const direction = order.isDescending ? "descending" : "ascending";
  return (
    <th scope="col" class="number" aria-sort={isSorted ? direction : "none"}>
      <button
        type="button"
        class="sort"
        onClick={() => onOrder({ column, isDescending: isSorted ? !order.isDescending : true })}
      >
        {title}
        <span aria-hidden="true">{isSorted ? (order.isDescending ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}

interface RowProps {
  readonly model: Model;
  readonly metric: string | null;
  readonly onIntend: (intent: Intent) => void;
}

function Row({ model, metric, onIntend }: RowProps) {
  const { version, algorithm, isRetired, automaticDeploy, actor, recordedAt } = model;
  return (
    <tr class={isRetired ? "retired" : ""}>
      <td class="number">
        <b>v{version}</b>
      </td>
      <td>
        {algorithm} {isRetired && <span class="badge">retired</span>}
      </td>
      <td class="number">{asScore(scoreOf(model, metric))}</td>
      <td class="reason minor">
        {automaticDeploy.outcome}: {automaticDeploy.because}
      </td>
      <td class="who minor">{actor}</td>
      <td class="time">
        <Time at={recordedAt} />
      </td>
      <td class="row-actions">
        <RowAction onClick={() => onIntend({ kind: "deploy", model: version })}>
          Deploy<span class="visually-hidden"> version {version}</span>
        </RowAction>
        <RowAction onClick={() => onIntend({ kind: isRetired ? "reinstate" : "retire", model: version })}>
          {isRetired ? "Reinstate" : "Retire"}
          <span class="visually-hidden"> version {version}</span>
        </RowAction>
      </td>
    </tr>
  );
}
