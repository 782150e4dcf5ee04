import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { Dialog } from "./dialog.tsx";
import { Field, into } from "./field.tsx";
import { sayDone } from "./notice.tsx";
import { ProblemNote } from "./problem-note.tsx";
import { type Command, command, Problem } from "./service.ts";

/** What a command answers about where it left the project. */
interface Written {
  readonly revision: string;
}

interface Props<Answer> {
  readonly title: string;
  /** What the button says that really does it. */
  readonly verb: string;
  readonly path: string;
  readonly method: Command["method"];
  /** The command without reason and dryRun. */
  readonly body: object;
  readonly requiresReason: boolean;
  /** What would happen, in a sentence, from the answer of the dry run. */
  readonly preview: (answer: Answer) => string;
  /** What happened. */
  readonly done: (answer: Answer) => string;
  readonly onClose: () => void;
  readonly children?: ComponentChildren;
}

interface Previewed<Answer> {
  readonly of: string;
  readonly answer: Answer;
  /** So that a second click, or one after a lost answer, does nothing twice. */
  readonly key: string;
}

/** A key that nobody else has. `randomUUID` is missing where the page does not come by https or from this machine. */
function newKey(): string {
  return `web-${[...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * A command with a preview: the service decides it in a dry run, and the button then does exactly that, under the
 * revision that it was decided on. If something happened in between, it is refused, and previewed anew.
 */
export function CommandDialog<Answer extends Written>(props: Props<Answer>) {
  const { title, verb, path, method, body, requiresReason, onClose, children } = props;
  const reason = useSignal("");
  const previewed = useSignal<Previewed<Answer> | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const isBusy = useSignal(false);
  const wanted = { ...body, ...(reason.value.trim() !== "" && { reason: reason.value }) };
  const asked = JSON.stringify([path, wanted]);
  const current = previewed.value?.of === asked ? previewed.value : undefined;

  async function attempt(act: () => Promise<void>): Promise<void> {
    if (isBusy.value) return;
    isBusy.value = true;
    problem.value = undefined;
    try {
      await act();
    } catch (error) {
      problem.value = error instanceof Problem ? error.message : String(error);
      if (!(error instanceof Problem) || error.status !== 0) previewed.value = undefined;
    }
    isBusy.value = false;
  }

  const askFirst = () =>
    attempt(async () => {
      const answer = await command<Answer>(path, { method, body: { ...wanted, dryRun: true } });
      previewed.value = { of: asked, answer, key: newKey() };
    });

  const doIt = ({ answer, key }: Previewed<Answer>) =>
    attempt(async () => {
      const expectedRevision = answer.revision;
      const result = await command<Answer>(path, { method, body: wanted, key, expectedRevision });
      sayDone(props.done(result));
      onClose();
    });

  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void askFirst();
        }}
      >
        {children}
        <Field
          label={requiresReason ? "Reason" : "Reason (optional)"}
          required={requiresReason}
          value={reason.value}
          hint="Recorded with the event, for whoever asks why."
          onChange={into(reason)}
        />
        <div aria-live="polite">
          {current && (
            <p class="preview">
              <b>Preview:</b> {props.preview(current.answer)} Nothing is written yet.
            </p>
          )}
        </div>
        <ProblemNote text={problem.value} />
        <div class="actions">
          <button type="submit" class={current ? "" : "primary"}>
            Preview
          </button>
          <button
            type="button"
            class={current ? "primary" : ""}
            disabled={current === undefined}
            onClick={() => current && void doIt(current)}
          >
            {verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
