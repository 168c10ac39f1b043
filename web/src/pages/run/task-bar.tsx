import type { TaskState } from "../../api/types";
import { TASK_STATES } from "../../patterns/state";
import "./task-bar.css";

const ORDER: TaskState[] = ["published", "unchanged", "held", "failed", "interrupted", "skipped", "running", "waiting"];

/** How far a run is: its tasks by state, as a bar and in words. */
export function TaskBar({ tasks }: { tasks: Partial<Record<TaskState, number>> }) {
  const there = ORDER.filter((state) => (tasks[state] ?? 0) > 0);
  return (
    <div className="task-bar">
      <div className="task-bar-line" aria-hidden="true">
        {there.map((state) => (
          <span key={state} className={`fill-${TASK_STATES[state].tone} task-${state}`} style={{ flexGrow: tasks[state] }} />
        ))}
      </div>
      <p className="small muted num">
        {there.map((state) => `${tasks[state]} ${TASK_STATES[state].word}`).join(", ") || "no tasks"}
      </p>
    </div>
  );
}
