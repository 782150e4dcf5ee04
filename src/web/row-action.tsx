import type { ComponentChildren } from "preact";
import { whyNot } from "./session.ts";

interface Props {
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}

/** What can be done to a row, for those who may. The reason why not stands once, beside the project's own actions. */
export function RowAction({ onClick, children }: Props) {
  if (whyNot("deploy") !== undefined) return null;
  return (
    <button type="button" class="link" onClick={onClick}>
      {children}
    </button>
  );
}
