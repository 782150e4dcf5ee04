import { isScreen, type Output } from "./output.ts";

const PATIENCE_MS = 1_000;

/** Shows a person at a terminal how far a long command is, once it takes longer than a second. */
export async function withProgress<Result>(
  out: Output,
  done: string,
  act: (show: (events: number) => void) => Promise<Result>,
): Promise<Result> {
  if (out.style.json || out.style.quiet || !isScreen(out.stderr)) return act(() => undefined);
  const { default: cliProgress } = await import("cli-progress");
  const bar = new cliProgress.SingleBar({
    format: `${done} {value} events, {duration_formatted}`,
    stream: out.stderr,
    clearOnComplete: true,
  });
  const begun = performance.now();
  const show = (events: number) => {
    if (bar.isActive) bar.update(events);
    else if (performance.now() - begun > PATIENCE_MS) bar.start(0, events);
  };
  return act(show).finally(() => bar.stop());
}
