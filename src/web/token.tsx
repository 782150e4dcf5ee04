import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { Dialog } from "./dialog.tsx";
import { FieldProblem } from "./field.tsx";
import { access, forgetToken, refusal, scopesOf, takeToken, token, tokenIn } from "./session.ts";

/** Where a token is given. It is kept for this tab only. */
function TokenForm({ onDone }: { readonly onDone: () => void }) {
  const id = useId();
  const text = useSignal("");
  const problem = useSignal<string | undefined>(undefined);
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        const given = tokenIn(text.value);
        if (given === null) {
          problem.value = "This is no token: it has a space or a character that no token has.";
          return;
        }
        takeToken(given);
        onDone();
      }}
    >
      <label for={id}>Token</label>
      <input
        id={id}
        type="password"
        required
        autocomplete="off"
        spellcheck={false}
        aria-invalid={problem.value !== undefined}
        aria-describedby={problem.value === undefined ? `${id}-hint` : `${id}-hint ${id}-problem`}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          problem.value = undefined;
        }}
      />
      <FieldProblem id={`${id}-problem`} text={problem.value} />
      <p id={`${id}-hint`} class="hint">
        <code>model-ledger token create --name you --scope deploy</code> makes one. It is kept in this tab until you
        close it.
      </p>
      <div class="actions">
        <button type="submit" class="primary">
          Use this token
        </button>
      </div>
    </form>
  );
}

export function TokenDialog({ onClose }: { readonly onClose: () => void }) {
  const known = access.value;
  return (
    <Dialog title="Who you are" onClose={onClose}>
      {token.value === null ? (
        <p>{known === undefined ? "No token is in use." : "No token is in use, and the service asks for none."}</p>
      ) : (
        <>
          <p>{known === undefined ? "A token is in use." : `You are “${known.name}”, with ${scopesOf(known)}.`}</p>
          <div class="actions">
            <button
              type="button"
              onClick={() => {
                forgetToken();
                onClose();
              }}
            >
              Forget the token
            </button>
          </div>
        </>
      )}
      <TokenForm onDone={onClose} />
    </Dialog>
  );
}

/** In place of the page where the service wants a token first. */
export function TokenGate() {
  return (
    <section class="card gate" aria-labelledby="gate">
      <h1 id="gate">A token, please</h1>
      <p role="alert">{refusal.value}</p>
      <TokenForm onDone={() => undefined} />
    </section>
  );
}
