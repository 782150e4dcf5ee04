import type { ComponentChildren } from "preact";

interface Props {
  /** What is in it, for those who do not see it: no other region is called the same. */
  readonly label: string;
  readonly children: ComponentChildren;
}

/** What is wider than a phone scrolls by itself, also by keyboard. */
export function Scroll({ label, children }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it the keyboard cannot scroll what is cut off
    <section class="scroll" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
