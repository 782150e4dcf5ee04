import { computed, signal } from "@preact/signals";

/**
 * Who is looking at the page. The token lives in sessionStorage: it is gone with the tab, and is sent as a header only,
 * so that no other page can make the browser send it.
 */
export type Scope = "read" | "train" | "deploy" | "admin";

/** What the service says about a token: GET /v1/token. Without tokens it says that everybody may do all. */
export interface Access {
  readonly name: string | null;
  readonly scopes: readonly Scope[];
}

const KEY = "model-ledger token";

/** The token in what somebody pasted, without what nobody sees of it; null where it cannot be one, nor stand in a header. */
export function tokenIn(text: string): string | null {
  const seen = text.replace(/\p{Cf}/gu, "").trim();
  return /^[!-~]+$/.test(seen) ? seen : null;
}

export const token = signal(tokenIn(sessionStorage.getItem(KEY) ?? ""));
export const access = signal<Access | undefined>(undefined);
/** The sentence with which the service refused us, while it does. */
export const refusal = signal<string | undefined>(undefined);

export const needsToken = computed(() => refusal.value !== undefined);

export function takeToken(text: string): void {
  sessionStorage.setItem(KEY, text);
  refusal.value = undefined;
  access.value = undefined;
  token.value = text;
}

/** Also when the service no longer takes it. */
export function forgetToken(why?: string): void {
  // Without a token we are refused as well, and that is not why we lost it.
  if (why !== undefined && token.value === null && refusal.value !== undefined) return;
  sessionStorage.removeItem(KEY);
  access.value = undefined;
  refusal.value = why;
  token.value = null;
}

const inAList = new Intl.ListFormat("en", { type: "conjunction" });

/** "the scopes read and deploy". */
export const scopesOf = ({ scopes }: Access): string =>
  `the scope${scopes.length === 1 ? "" : "s"} ${inAList.format(scopes)}`;

/** Undefined where the token may do it, or where that is not known yet; otherwise why it may not, in a sentence. */
export function whyNot(scope: Scope): string | undefined {
  const known = access.value;
  if (known === undefined || known.scopes.includes(scope)) return undefined;
  return `The token “${known.name}” has ${scopesOf(known)} only; this needs the scope ${scope}.`;
}
