/** A query in the address: after the hash, so that it stays in the browser and never in a server's log. */
export const queryHash = (sql: string): string => `#sql=${encodeURIComponent(sql)}`;

export function queryOf(hash: string): string | null {
  if (!hash.startsWith("#sql=")) return null;
  try {
    return decodeURIComponent(hash.slice(5));
  } catch {
    return null; // a link that was cut in the middle of an escape
  }
}
