/** What somebody is about to do. Nothing is done before it was previewed. */
export type Intent =
  | { readonly kind: "deploy"; readonly model?: number }
  | { readonly kind: "rollback"; readonly environment?: string; readonly toNumber?: number }
  | { readonly kind: "promote" }
  | { readonly kind: "retire" | "reinstate"; readonly model: number }
  | { readonly kind: "freeze" | "unfreeze" };

/** The deployment that somebody wants explained. */
export interface Asked {
  readonly number: number;
  readonly environment: string;
}
