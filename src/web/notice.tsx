import { signal } from "@preact/signals";

/** What was done here stays to be read until it is closed; what others did is said to screen readers only. */
const done = signal<string | undefined>(undefined);
const heard = signal("");

export function sayDone(sentence: string): void {
  done.value = sentence;
}

export function announce(sentence: string): void {
  heard.value = sentence;
}

export function Notice() {
  return (
    <>
      <div role="status" class={done.value === undefined ? "visually-hidden" : "notice"}>
        {done.value !== undefined && (
          <>
            <span>{done.value}</span>
            <button
              type="button"
              class="quiet"
              aria-label="Close the message"
              onClick={() => {
                done.value = undefined;
              }}
            >
              <span aria-hidden="true">✕</span>
            </button>
          </>
        )}
      </div>
      <div role="status" aria-label="Live changes" class="visually-hidden">
        {heard.value}
      </div>
    </>
  );
}
