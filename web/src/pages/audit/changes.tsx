// Entries of the audit log as sentences: who did what to which thing, when and why.
import type { AuditEntry } from "../../api/types";
import { AssetLink } from "../../patterns/name";
import { Time } from "../../patterns/time";
import { Link, runPath } from "../../router/router";
import "./changes.css";

export const actionWords = (action: string): string => action.replaceAll("_", " ");

export function Changes({ entries }: { entries: AuditEntry[] }) {
  return (
    <ol className="changes">
      {entries.map((entry) => (
        <li key={entry.sequence}>
          <span className="when faint small">
            <Time at={entry.at} />
          </span>
          <span>
            <strong>{entry.actor}</strong> <span className="action">{actionWords(entry.action)}</span>{" "}
            {entry.asset && <AssetLink name={entry.asset} />}
            {entry.version !== null && <span className="muted num"> version {entry.version}</span>}
            {entry.run && (
              <>
                {" "}
                <Link to={runPath(entry.run)} className="small muted">
                  in run {entry.run}
                </Link>
              </>
            )}
            {entry.why && <q className="why muted">{entry.why}</q>}
          </span>
        </li>
      ))}
    </ol>
  );
}
