import { inNumbers } from "./format.ts";

export interface PagerProps {
  /** What the rows are, for its label: "models". */
  readonly of: string;
  readonly from: number;
  readonly count: number;
  /** Undefined where the service does not say how many there are. */
  readonly total?: number;
  readonly onBack?: (() => void) | undefined;
  readonly onNext?: (() => void) | undefined;
}

/** Which rows of many are shown, and the way to the others. */
export function Pager({ of, from, count, total, onBack, onNext }: PagerProps) {
  if (onBack === undefined && onNext === undefined) return null;
  const shown = count === 0 ? "none" : `${inNumbers(from + 1)}–${inNumbers(from + count)}`;
  return (
    <nav class="pager" aria-label={`Pages of ${of}`}>
      <button type="button" disabled={onBack === undefined} onClick={onBack}>
        Previous
      </button>
      <span aria-live="polite">
        {shown}
        {total !== undefined && ` of ${inNumbers(total)}`}
      </span>
      <button type="button" disabled={onNext === undefined} onClick={onNext}>
        Next
      </button>
    </nav>
  );
}
