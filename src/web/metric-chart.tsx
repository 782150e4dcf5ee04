import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { type Axis, apart, type ChartData } from "./chart-data.ts";
import { asScore } from "./format.ts";

/** A colour of the page's own theme, read anew at each drawing: it changes with light and dark. */
const colour = (name: string) => (): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const HEIGHT = 300;
const CELL_PIXELS = 3;
/** More events than this are drawn as smaller dots. */
const CROWD = 2_000;
/** Deployments nearer than this are one tick on the axis. */
const TICK_PIXELS = 2;

interface Props {
  readonly data: ChartData;
  readonly metric: string;
  readonly axis: Axis;
  /** Where the as-of line stands, as an x; undefined for now. */
  readonly asOf: number | undefined;
  readonly onHover: (index: number | undefined) => void;
  readonly onPick: (index: number) => void;
  readonly onZoom: (isZoomed: boolean) => void;
  /** Changes when the zoom is to be taken back. */
  readonly unzoom: number;
}

/** The drawing itself, for eyes and pointers; {@link ChartTable} says the same in words. */
export function MetricChart(props: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const { data, metric, axis, asOf, unzoom } = props;
  const isCrowded = data.xs.length > CROWD;

  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const plot = new uPlot(
      options(props, isCrowded, element.clientWidth, latest),
      aligned(latest.current.data),
      element,
    );
    chart.current = plot;
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const repaint = () => plot.redraw(false, true);
    scheme.addEventListener("change", repaint);
    return () => {
      resized.disconnect();
      scheme.removeEventListener("change", repaint);
      plot.destroy();
      chart.current = undefined;
    };
  }, [metric, axis, isCrowded]);

  useEffect(() => {
    const plot = chart.current;
    if (plot === undefined) return;
    // What somebody zoomed into stays where it is while events come in.
    plot.setData(aligned(data), !isZoomed(plot));
    if (isZoomed(plot)) plot.redraw();
  }, [data]);

  useEffect(() => chart.current?.redraw(false, false), [asOf]);

  useEffect(() => {
    chart.current?.setData(aligned(latest.current.data), true);
  }, [unzoom]);

  return <div ref={frame} class="plot" style={{ height: `${HEIGHT}px` }} />;
}

const aligned = ({ xs, trained, retired, active }: ChartData): uPlot.AlignedData => [xs, retired, trained, active];

function isZoomed({ data, scales }: uPlot): boolean {
  const [xs] = data;
  const { min, max } = scales.x ?? {};
  if (min == null || max == null || xs.length === 0) return false;
  return min > Number(xs[0]) || max < Number(xs[xs.length - 1]) - (max - min) * 0.5;
}

function options(
  { metric, axis }: Pick<Props, "metric" | "axis">,
  isCrowded: boolean,
  width: number,
  latest: { readonly current: Props },
): uPlot.Options {
  const dotSize = isCrowded ? 3 : 5;
  const ink = colour("--muted");
  const grid = { stroke: colour("--line"), width: 1 };
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const base = { stroke: ink, grid, ticks: { ...grid, size: 4 }, font };
  return {
    width,
    height: HEIGHT,
    ms: 1,
    padding: [12, 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, uni: 8 } },
    scales: { x: { time: axis === "time" }, y: { range: withMargin } },
    axes: [
      { ...base, size: 40, ...(axis === "time" ? { values: times, space: 90 } : { values: wholes, space: 60 }) },
      { ...base, size: 54, values: (_, splits) => splits.map((split) => asScore(split)) },
    ],
    series: [
      {},
      dots("Retired models", colour("--faint"), dotSize),
      dots(`Models by ${metric}`, colour("--dot"), dotSize),
      {
        label: "Active model",
        stroke: colour("--accent"),
        width: 2,
        ...(uPlot.paths.stepped && { paths: uPlot.paths.stepped({ align: 1 }) }),
        points: {
          show: true,
          size: 8,
          width: 2,
          fill: colour("--surface"),
          stroke: colour("--accent"),
          filter: marked,
        },
      },
    ],
    hooks: {
      draw: [drawTicks, (plot) => drawAsOf(plot, latest.current.asOf)],
      setCursor: [({ cursor }) => latest.current.onHover(cursor.idx ?? undefined)],
      setScale: [(plot, scale) => scale === "x" && latest.current.onZoom(isZoomed(plot))],
      ready: [
        (plot) => {
          plot.over.addEventListener("click", () => {
            const { idx } = plot.cursor;
            if (idx != null && plot.select.width === 0) latest.current.onPick(idx);
          });
        },
      ],
    },
  };

  /** Deployments on the active line; the last point is the present, which is none. */
  function marked(plot: uPlot, series: number): number[] {
    const { marks } = latest.current.data;
    return apart(
      placed(plot, series, (index) => marks[index]?.kind === "deployed"),
      CELL_PIXELS,
    );
  }

  function dots(label: string, fill: () => string, size: number): uPlot.Series {
    const filter = (plot: uPlot, series: number) =>
      apart(
        placed(plot, series, () => true),
        CELL_PIXELS,
      );
    return { label, paths: () => null, points: { show: true, size, width: 0, fill, stroke: fill, filter } };
  }

  /** Also the deployments of models that have no score stand on the axis. */
  function drawTicks(plot: uPlot): void {
    const { marks, xs } = latest.current.data;
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = colour("--accent")();
    let last = Number.NEGATIVE_INFINITY;
    for (const [index, mark] of marks.entries()) {
      if (mark.kind !== "deployed") continue;
      const left = plot.valToPos(xs[index] ?? 0, "x", true);
      if (left < bbox.left || left > bbox.left + bbox.width || left - last < TICK_PIXELS) continue;
      last = left;
      ctx.fillRect(
        left - devicePixelRatio / 2,
        bbox.top + bbox.height - 7 * devicePixelRatio,
        devicePixelRatio,
        7 * devicePixelRatio,
      );
    }
    ctx.restore();
  }
}

function* placed(plot: uPlot, series: number, isWanted: (index: number) => boolean) {
  const [xs, ys] = [plot.data[0], plot.data[series]];
  const [from, to] = [plot.scales.x?.min ?? 0, plot.scales.x?.max ?? 0];
  for (let index = 0; index < xs.length; index += 1) {
    const x = Number(xs[index]);
    const y = ys?.[index];
    if (y == null || x < from || x > to || !isWanted(index)) continue;
    yield [index, plot.valToPos(x, "x"), plot.valToPos(y, "y")] as const;
  }
}

function drawAsOf(plot: uPlot, x: number | undefined): void {
  if (x === undefined) return;
  const { ctx, bbox } = plot;
  const left = plot.valToPos(x, "x", true);
  if (left < bbox.left || left > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = colour("--ink")();
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(left, bbox.top);
  ctx.lineTo(left, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

function withMargin(_: uPlot, min: number | null, max: number | null): [number, number] {
  if (min == null || max == null) return [0, 1];
  const margin = (max - min) * 0.08 || Math.abs(max) * 0.1 || 1;
  return [min - margin, max + margin];
}

const wholes = (_: uPlot, splits: number[]): string[] =>
  splits.map((x) => (Number.isInteger(x) && x > 0 ? `#${x}` : ""));

const DAY_MS = 86_400_000;
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const month = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric" });
const minute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const second = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const part = new Intl.DateTimeFormat(undefined, { minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
/** What tells marks apart that are at least so far from each other, in ms. */
const FORMATS = [
  [28 * DAY_MS, month],
  [DAY_MS, day],
  [60_000, minute],
  [1_000, second],
] as const;

/** As much of the time as tells the marks apart; the day under the first mark of each day. */
function times(_: uPlot, splits: number[]): string[] {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  const [, format] = FORMATS.find(([least]) => step >= least) ?? [0, part];
  let before = "";
  return splits.map((ms) => {
    const text = format.format(ms);
    const date = day.format(ms);
    const isNewDay = step < DAY_MS && date !== before;
    before = date;
    return isNewDay ? `${text}\n${date}` : text;
  });
}
