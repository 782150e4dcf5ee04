import type { Link } from "./chain-check.ts";

/**
 * What an event is in the Merkle tree: the canonical JSON (RFC 8785) of
 * `{ data, hash, id, metadata, revision, stream, type }`. `metadata` stands without its hash, which stands beside it, and
 * `revision` is decimal text. All that was recorded, but for the position: that is the index of the leaf.
 */
export function leafText(
  {
    id,
    stream,
    revision,
    type,
  }: { readonly id: string; readonly stream: string; readonly revision: bigint; readonly type: string },
  { data, metadata, hash }: Link,
): string {
  const [name, of, kind] = [JSON.stringify(id), JSON.stringify(stream), JSON.stringify(type)];
  return `{"data":${data},"hash":"${hash}","id":${name},"metadata":${metadata},"revision":"${revision}","stream":${of},"type":${kind}}`;
}
