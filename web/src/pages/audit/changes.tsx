// Entries of the audit log as sentences: who did what to which thing, when and why. What a run published is one sentence.
import type { AuditEntry } from "../../api/types";
import { formatUnit } from "../../format/numbers";
import { AssetLink } from "../../patterns/name";
import { Time } from "../../patterns/time";
import { Link, runPath } from "../../router/router";
import { grouped } from "./grouped";
import "./changes.css";

const WORDS: Record<string, string> = {
  baseline: "recorded known failures",
  run_ended: "ended a run",
  run_started: "started a run",
};
export const actionWords = (action: string): string => WORDS[action] ?? action.replaceAll("_", " ");

/** At most `most` sentences. */
export function Changes({ entries, most = 12 }: { entries: AuditEntry[]; most?: number }) {
  const groups = grouped(entries);
  return (
    <ol className="changes">
      {groups.slice(0, most).map((group) => {
        const entry = group[0] as AuditEntry;
        return (
          <li key={entry.sequence}>
            <span className="when faint small">
              <Time at={entry.at} />
            </span>
            <span>
              <strong>{entry.actor}</strong> <span className="action">{actionWords(entry.action)}</span>{" "}
              {group.length > 1 ? <Several of={group} /> : <One of={entry} />}
              {entry.why && <q className="why muted">{entry.why}</q>}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

function One({ of }: { of: AuditEntry }) {
  return (
    <>
      {of.asset && <AssetLink name={of.asset} />}
      {of.version !== null && <span className="muted num"> version {of.version}</span>}
      {of.run && (
        <Link to={runPath(of.run)} className="small mono">
          {of.run}
        </Link>
      )}
    </>
  );
}

const NAMED = 4;
function Several({ of }: { of: AuditEntry[] }) {
  return (
    <>
      {formatUnit(of.length, "version")}:{" "}
      {of.slice(0, NAMED).map((entry, i) => (
        <span key={entry.sequence}>
          {i > 0 && ", "}
          {entry.asset && <AssetLink name={entry.asset} />} <span className="muted num">{entry.version}</span>
        </span>
      ))}
      {of.length > NAMED && <span className="muted"> and {of.length - NAMED} more</span>}
    </>
  );
}
