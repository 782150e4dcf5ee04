/**
 * A list that can be long: iterate over it (`for await`) to hold one row at a time, or `await` it for an array of all.
 * Each iteration asks anew; nothing is read before the first.
 */
export class Rows<Row> implements AsyncIterable<Row>, PromiseLike<readonly Row[]> {
  readonly #read: () => AsyncIterable<Row> | Promise<AsyncIterable<Row>>;

  constructor(read: () => AsyncIterable<Row> | Promise<AsyncIterable<Row>>) {
    this.#read = read;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Row> {
    yield* await this.#read();
  }

  /** All rows. */
  async toArray(): Promise<readonly Row[]> {
    const rows: Row[] = [];
    for await (const row of await this.#read()) rows.push(row);
    return rows;
  }

  // biome-ignore lint/suspicious/noThenProperty: a list is awaited as often as it is iterated over
  then<Result = readonly Row[], Failure = never>(
    onRows?: ((rows: readonly Row[]) => Result | PromiseLike<Result>) | null,
    onError?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): PromiseLike<Result | Failure> {
    return this.toArray().then(onRows, onError);
  }
}
