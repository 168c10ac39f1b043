import { useQuery, useQueryClient } from "@tanstack/react-query";
import { pauseSchedule, resumeSchedule, runSchedule } from "../../api/client";
import type { Schedule } from "../../api/types";
import { projectQuery, schedulesQuery } from "../../api/queries";
import { formatDuration } from "../../format/times";
import { Icon } from "../../icons/icon";
import { Empty } from "../../patterns/empty";
import { FormDialog, ReasonField, textOf } from "../../patterns/form";
import { Opens } from "../../patterns/opens";
import { Loaded } from "../../patterns/problem";
import { RUN_STATES, StateMark } from "../../patterns/state";
import { Table, type Column } from "../../patterns/table";
import { Time } from "../../patterns/time";
import { Link, navigate, runPath } from "../../router/router";

const columns: Column<Schedule>[] = [
  { id: "name", header: "Schedule", cell: (schedule) => <span className="name">{schedule.name}</span> },
  {
    id: "when",
    header: "When",
    cell: (schedule) => (
      <span>
        <code>{schedule.cron}</code>{" "}
        <span className="muted">
          {schedule.timezone}
          {schedule.jitter_ms > 0 && `, up to ${formatDuration(schedule.jitter_ms)} later`}
        </span>
      </span>
    ),
  },
  { id: "select", header: "Assets", cell: (schedule) => <code>{schedule.select}</code> },
  {
    id: "missed",
    header: "Missed runs",
    priority: 3,
    cell: (schedule) => (
      <span className="muted">
        {{ none: "left out", last: "the last is made up", all: "all are made up" }[schedule.catch_up]}
      </span>
    ),
  },
  {
    id: "next",
    header: "Next",
    roomy: true,
    cell: (schedule) =>
      schedule.paused ? (
        <span>
          <span className="mark tone-warn">
            <Icon name="pause" size={13} />
            paused
          </span>{" "}
          <span className="muted small">
            by {schedule.paused.by}
            {schedule.paused.at && (
              <>
                , <Time at={schedule.paused.at} />
              </>
            )}
            : {schedule.paused.why}
          </span>
        </span>
      ) : (
        <Time at={schedule.next_at} />
      ),
  },
  {
    id: "last",
    header: "Last",
    priority: 2,
    cell: (schedule) =>
      schedule.last && (
        <span className="row">
          {schedule.last.state && <StateMark of={RUN_STATES[schedule.last.state]} />}
          {schedule.last.run ? (
            <Link to={runPath(schedule.last.run)}>
              <Time at={schedule.last.due_at} />
            </Link>
          ) : (
            <Time at={schedule.last.due_at} />
          )}
        </span>
      ),
  },
  { id: "act", header: "", align: "right", roomy: true, cell: (schedule) => <Actions of={schedule} /> },
];

export function Schedules() {
  const query = useQuery(schedulesQuery());
  return (
    <Loaded query={query}>
      {(page) => (
        <div className="card">
          {page.items.length === 0 ? (
            <Empty icon="clock" title="No schedules yet">
              <p>
                Add one to <code>lockgate.yml</code>:
              </p>
              <pre className="snippet">
                {'schedules:\n  - { name: nightly, cron: "0 5 * * *", timezone: Europe/Berlin, select: mart }'}
              </pre>
            </Empty>
          ) : (
            <Table caption="Schedules" columns={columns} rows={page.items} rowKey={(schedule) => schedule.name} />
          )}
        </div>
      )}
    </Loaded>
  );
}

function Actions({ of }: { of: Schedule }) {
  const client = useQueryClient();
  const viewer = useQuery(projectQuery()).data?.caller.role === "viewer";
  const change = of.paused ? resumeSchedule : pauseSchedule;
  const word = of.paused ? "Resume" : "Pause";
  return (
    <span className="row actions">
      <Opens label={`${word} …`} className="button small" disabled={viewer}>
        {(close) => (
          <FormDialog
            title={`${word} ${of.name}`}
            submit={word}
            send={(values) => change(of.name, textOf(values, "why"))}
            done={() => `${of.name} is ${of.paused ? "resumed" : "paused"}.`}
            onDone={() => void client.invalidateQueries()}
            onClose={close}
          >
            <p className="muted">
              {of.paused
                ? "It starts runs again when it is due."
                : "It starts no runs until it is resumed. A run that is under way goes on."}
            </p>
            <ReasonField />
          </FormDialog>
        )}
      </Opens>
      <Opens label="Run now …" className="button small" disabled={viewer}>
        {(close) => (
          <FormDialog
            title={`Run ${of.name} now`}
            submit="Start the run"
            send={(_, key) => runSchedule(of.name, key)}
            done={(started) => `Run ${started.run} is started.`}
            onDone={(started) => navigate(runPath(started.run))}
            onClose={close}
          >
            <p className="muted">
              Starts what the schedule would start: <code>{of.select}</code>.
            </p>
          </FormDialog>
        )}
      </Opens>
    </span>
  );
}
