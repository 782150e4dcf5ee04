import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { asUtc } from "./format.ts";

/** Puts what somebody chose into a signal. */
export const into =
  <Value,>(signal: Signal<Value>) =>
  (value: Value): void => {
    signal.value = value;
  };

/** The last moment that a field for one takes. */
export const LAST_MOMENT = "9999-12-31T23:59";

/** What is wrong with what a field for a moment holds. */
export const momentProblem = (value: string): string | undefined =>
  value === "" || asUtc(value) !== undefined ? undefined : "A year has four digits.";

/** Beside the field that is described by it. */
export function FieldProblem({ id, text }: { readonly id: string; readonly text: string | undefined }) {
  if (text === undefined) return null;
  return (
    <p id={id} role="alert" class="hint bad">
      {text}
    </p>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly type?: "text" | "number" | "datetime-local";
  readonly inputMode?: "numeric";
  readonly required?: boolean;
  readonly min?: number;
  readonly step?: number;
  readonly hint?: ComponentChildren;
}

export function Field({ label, value, onChange, hint, type = "text", required = false, ...rest }: FieldProps) {
  const id = useId();
  const isMoment = type === "datetime-local";
  const problem = isMoment ? momentProblem(value) : undefined;
  const describedBy = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...rest}
        max={isMoment ? LAST_MOMENT : undefined}
        id={id}
        // The types of inputs are a union with one member a type of input.
        type={type as "text"}
        required={required}
        autocomplete="off"
        aria-invalid={problem !== undefined}
        aria-describedby={describedBy === "" ? undefined : describedBy}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      {hint !== undefined && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
      <FieldProblem id={`${id}-problem`} text={problem} />
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly text: string }[];
  readonly onChange: (value: string) => void;
}

export function Choice({ label, value, options, onChange }: ChoiceProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </div>
  );
}

interface TickProps {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}

export function Tick({ label, checked, onChange }: TickProps) {
  const id = useId();
  return (
    <div class="tick">
      <input id={id} type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      <label for={id}>{label}</label>
    </div>
  );
}
