import { useState } from "react";
import type { RunEvent } from "../../api/types";
import { formatUtc } from "../../format/times";
import { inWords } from "./event-words";
import { AssetLink } from "../../patterns/name";
import "./event-log.css";

/** The journal of a run, oldest first, as it would stand in a log. */
export function EventLog({ events }: { events: RunEvent[] }) {
  const [asset, setAsset] = useState("");
  const assets = [...new Set(events.flatMap((event) => event.asset ?? []))].toSorted();
  const shown = events.filter((event) => asset === "" || event.asset === asset);
  if (events.length === 0) return <p className="muted">No events yet.</p>;
  return (
    <div className="stack tight">
      <label className="row small">
        <span className="muted">Asset</span>
        <select value={asset} onChange={(event) => setAsset(event.target.value)}>
          <option value="">all</option>
          {assets.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <div className="card log" role="region" aria-label="Events in order" tabIndex={0}>
        <ol>
          {shown.map((event) => (
            <li
              key={event.sequence}
              className={/failed|error/.test(event.event) ? "ink-bad" : event.event === "held" ? "ink-held" : ""}
            >
              <time dateTime={event.at} title={event.at}>
                {formatUtc(event.at).slice(11)}
              </time>
              <span className="log-event">{event.event.replaceAll("_", " ")}</span>
              <span>
                {event.asset && <AssetLink name={event.asset} />} {event.version !== null && `version ${event.version}`}{" "}
                <span className="muted">{inWords(event.data)}</span>
              </span>
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}
