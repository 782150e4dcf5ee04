/** Revisions are decimal strings in JSON and bigints here. Only where they stand: names in users' own data are theirs. */
type Plain<Row> = Omit<Row, "revision"> & { readonly revision: string };

export type Sent<Row> = Row extends { readonly revision: bigint } ? Plain<Row> : Row;

export function withRevision<Row extends { readonly revision: bigint }>(sent: Plain<Row>): Row {
  return { ...sent, revision: BigInt(sent.revision) } as Row;
}
