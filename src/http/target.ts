/** The two parts of what a request asks for. Only the first "?" parts them: another one is of the query (RFC 3986 §3.4). */
export function partsOf(url: string): { readonly path: string; readonly query: string } {
  const end = url.indexOf("?");
  return end < 0 ? { path: url, query: "" } : { path: url.slice(0, end), query: url.slice(end + 1) };
}
