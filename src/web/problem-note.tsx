/** What went wrong, told at once to whoever hears the page. */
export function ProblemNote({ text }: { readonly text: string | undefined }) {
  if (text === undefined) return null;
  return (
    <p role="alert" class="problem">
      {text}
    </p>
  );
}
