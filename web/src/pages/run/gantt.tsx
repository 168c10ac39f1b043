// When each task waited, staged, audited and published, on one axis.
import type { RunDetail, TaskInfo } from "../../api/types";
import { ticksOf } from "../../charts/scale";
import { useWidth } from "../../charts/use-width";
import { formatDuration } from "../../format/times";
import { Icon } from "../../icons/icon";
import { NameText } from "../../patterns/name";
import { TASK_STATES } from "../../patterns/state";
import { useNow } from "../../patterns/time";
import { assetPath, Link } from "../../router/router";
import "./gantt.css";

const PHASES = ["waiting", "staging", "auditing", "publishing"] as const;

export function Gantt({ of }: { of: RunDetail }) {
  const nowMs = useNow();
  const [axis, width] = useWidth<HTMLDivElement>(600);
  const start = Date.parse(of.started_at);
  const last = of.task_list.flatMap((task) => task.phases.map((phase) => Date.parse(phase.to ?? phase.from)));
  const end = Math.max(of.ended_at ? Date.parse(of.ended_at) : nowMs, ...last, start + 1000);
  const percent = (at: number) => ((at - start) / (end - start)) * 100;
  const ticks = ticksOf(0, (end - start) / 1000, Math.max(2, Math.min(8, width / 110)));
  return (
    <div className="card gantt">
      <ul className="gantt-legend small" aria-label="Phases">
        {PHASES.map((phase) => (
          <li key={phase}>
            <span className={`swatch phase-${phase}`} aria-hidden="true" />
            {phase}
          </li>
        ))}
      </ul>
      <div className="gantt-grid" role="table" aria-label="Phases of each task">
        <div role="row" className="gantt-row gantt-axis">
          <span role="columnheader" className="hidden-text">
            Asset
          </span>
          <div role="columnheader" ref={axis} className="gantt-track">
            {ticks.map((tick) => (
              <span key={tick} style={{ left: `${percent(start + tick * 1000)}%` }}>
                {tick === 0 ? "0 s" : formatDuration(tick * 1000)}
              </span>
            ))}
          </div>
        </div>
        {of.task_list.map((task) => (
          <div key={task.asset} role="row" className="gantt-row">
            <span
              role="rowheader"
              className={`gantt-name ink-${TASK_STATES[task.state].tone}`}
              title={TASK_STATES[task.state].word}
            >
              <Icon name={TASK_STATES[task.state].icon} size={13} />
              <span className="hidden-text">{TASK_STATES[task.state].word} </span>
              <Link to={assetPath(task.asset)}>
                <NameText name={task.asset} />
              </Link>
            </span>
            <div role="cell" className="gantt-track">
              {ticks.map((tick) => (
                <i key={tick} style={{ left: `${percent(start + tick * 1000)}%` }} />
              ))}
              {task.phases.map((phase) => {
                const from = Date.parse(phase.from);
                const to = phase.to ? Date.parse(phase.to) : end;
                return (
                  <b
                    key={phase.phase + phase.from}
                    className={`phase-${phase.phase}${phase.to ? "" : " open"}`}
                    style={{ left: `${percent(from)}%`, width: `${Math.max(0.25, percent(to) - percent(from))}%` }}
                    title={`${phase.phase}: ${formatDuration(to - from)}`}
                  />
                );
              })}
              <span className="hidden-text">{inWords(task, end)}</span>
              {task.phases.length === 0 && <em className="faint small">{TASK_STATES[task.state].word}</em>}
            </div>
          </div>
        ))}
      </div>
    </div>
  );
}

const inWords = (task: TaskInfo, end: number): string =>
  task.phases
    .map((phase) => `${phase.phase} ${formatDuration((phase.to ? Date.parse(phase.to) : end) - Date.parse(phase.from))}`)
    .join(", ");
