import { useSignal, useSignalEffect } from "@preact/signals";
import { ago, asExactTime, asTime } from "./format.ts";

/** A time for people; the exact one in UTC is what a machine, and a pointer that rests on it, gets. */
export function Time({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={`${asExactTime(at)} (${at})`}>
      {asTime(at)}
    </time>
  );
}

const MINUTE_MS = 60_000;

/** "3 hours ago", kept true. */
export function Ago({ at }: { readonly at: string }) {
  const now = useSignal(Date.now());
  useSignalEffect(() => {
    const timer = setInterval(() => {
      now.value = Date.now();
    }, MINUTE_MS);
    return () => clearInterval(timer);
  });
  return (
    <time dateTime={at} title={`${asExactTime(at)} (${at})`}>
      {ago(at, Math.max(now.value, Date.parse(at)))}
    </time>
  );
}
