/** Matches a path against a pattern like `/assets/:name`. Gives the decoded parameters, or null. */
export function matchPath(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split("/").filter(Boolean);
  const have = path.split("/").filter(Boolean);
  if (want.length !== have.length) return null;
  const found: Record<string, string> = {};
  for (const [i, part] of want.entries()) {
    const given = have[i] as string;
    if (!part.startsWith(":")) {
      if (part !== given) return null;
      continue;
    }
    try {
      found[part.slice(1)] = decodeURIComponent(given);
    } catch {
      return null; // a broken escape is no page of ours
    }
  }
  return found;
}
