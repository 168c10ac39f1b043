import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { cancelRun, retryRun } from "../api/client";
import type { RunDetail, TaskInfo } from "../api/types";
import { projectQuery, runEventsQuery, runQuery } from "../api/queries";
import { formatBytes, formatCount, formatUnit } from "../format/numbers";
import { Icon } from "../icons/icon";
import { CopyButton } from "../patterns/command";
import { Facts, PageHead, Section, WithFacts } from "../patterns/detail";
import { say } from "../patterns/notice";
import { AssetLink } from "../patterns/name";
import { Loaded, ProblemView } from "../patterns/problem";
import { RUN_STATES, StateMark, TASK_STATES } from "../patterns/state";
import { Table, type Column } from "../patterns/table";
import { Time, Took } from "../patterns/time";
import { gatePath, Link, navigate, runPath, useParam } from "../router/router";
import { EventLog } from "./run/event-log";
import { Gantt } from "./run/gantt";
import { TaskBar } from "./run/task-bar";

const columns: Column<TaskInfo>[] = [
  { id: "asset", header: "Asset", width: "27%", cell: (task) => <AssetLink name={task.asset} /> },
  { id: "state", header: "State", cell: (task) => <StateMark of={TASK_STATES[task.state]} /> },
  { id: "version", header: "Version", align: "right", cell: (task) => task.version !== null && formatCount(task.version) },
  {
    id: "rows",
    header: "Rows",
    align: "right",
    cell: (task) =>
      task.rows !== null
        ? formatCount(task.rows)
        : task.rows_so_far !== null && <span className="muted">{formatCount(task.rows_so_far)} so far</span>,
  },
  {
    id: "size",
    header: "Size",
    align: "right",
    priority: 2,
    cell: (task) => task.size_bytes !== null && formatBytes(task.size_bytes),
  },
  {
    id: "took",
    header: "Took",
    align: "right",
    cell: (task) => task.started_at && <Took from={task.started_at} to={task.ended_at} />,
  },
  {
    id: "message",
    header: "What happened",
    width: "28%",
    roomy: true,
    cell: (task) => {
      const waits = task.state === "waiting" && task.waits_for.length > 0;
      const text = task.message ?? (waits ? `waits for ${task.waits_for.join(", ")}` : "");
      if (text === "" && task.attempts <= 1) return null;
      return (
        <span className="muted">
          {text}
          {task.attempts > 1 && ` (${task.attempts} attempts)`}
          {task.state === "held" && (
            <>
              {" "}
              <Link to={gatePath(task.asset)}>open the gate</Link>
            </>
          )}
        </span>
      );
    },
  },
];

export default function RunPage() {
  const id = useParam("id");
  const query = useQuery(runQuery(id));
  const run = query.data;
  return (
    <>
      <PageHead
        title={run?.request ?? id}
        name={`Run ${id}`}
        crumbs={[{ text: "Runs", to: "/runs" }]}
        state={run && <StateMark of={RUN_STATES[run.state]} />}
        lead={
          run && (
            <>
              <span className="mono">{id}</span> <CopyButton text={id} what="run's id" /> by {run.actor}
              {run.schedule && `, schedule ${run.schedule}`}
              {run.retry_of && (
                <>
                  , retry of <Link to={runPath(run.retry_of)}>{run.retry_of}</Link>
                </>
              )}
            </>
          )
        }
        actions={run && <Actions of={run} />}
      />
      <Loaded query={query} lines={10}>
        {(detail) => <Everything of={detail} />}
      </Loaded>
    </>
  );
}

function Everything({ of }: { of: RunDetail }) {
  const rows = of.task_list.reduce((sum, task) => sum + (task.rows ?? 0), 0);
  const bytes = of.task_list.reduce((sum, task) => sum + (task.size_bytes ?? 0), 0);
  const events = useQuery(runEventsQuery(of.id));
  return (
    <WithFacts
      facts={
        <>
          <Facts
            title="Run"
            of={[
              ["started", <Time key="s" at={of.started_at} focusable />],
              ["ended", of.ended_at && <Time key="e" at={of.ended_at} focusable />],
              ["took", <Took key="t" from={of.started_at} to={of.ended_at} />],
              ["as of", <Time key="a" at={of.as_of} focusable />],
              ["environment", of.environment],
              [
                "rows",
                <span key="r" className="num">
                  {formatUnit(rows, "row")}
                </span>,
              ],
              [
                "bytes",
                <span key="b" className="num">
                  {formatBytes(bytes)}
                </span>,
              ],
              ["plan", <code key="p">{of.plan_hash}</code>],
            ]}
          />
          {Object.keys(of.pins).length > 0 && (
            <Facts
              title="Pinned inputs"
              of={Object.entries(of.pins).map(([name, version]) => [`version ${version}`, <AssetLink key={name} name={name} />])}
            />
          )}
        </>
      }
    >
      <TaskBar tasks={of.tasks} />
      <Section title="Time">
        <Gantt of={of} />
      </Section>
      <Section title="Tasks" count={of.task_list.length}>
        <div className="card">
          <Table
            caption="Tasks"
            columns={columns}
            rows={of.task_list}
            rowKey={(task) => task.asset}
            rowClass={(task) => (task.state === "held" ? "attention" : "")}
          />
        </div>
      </Section>
      <Section title="Events">
        <Loaded query={events}>{(all) => <EventLog events={all.items} />}</Loaded>
      </Section>
    </WithFacts>
  );
}

function Actions({ of }: { of: RunDetail }) {
  const client = useQueryClient();
  const viewer = useQuery(projectQuery()).data?.caller.role === "viewer";
  const retry = useMutation({
    mutationFn: () => retryRun(of.id),
    onSuccess: (started) => {
      say(`Run ${started.run} is started.`);
      navigate(runPath(started.run));
    },
  });
  const cancel = useMutation({
    mutationFn: () => cancelRun(of.id),
    onSuccess: () => {
      say("The run is told to stop.");
      void client.invalidateQueries({ queryKey: ["run", of.id] });
    },
  });
  const error = retry.error ?? cancel.error;
  return (
    <>
      {of.state === "running" ? (
        <button
          type="button"
          className="button danger"
          disabled={viewer || !of.here || cancel.isPending}
          title={of.here ? undefined : "another process drives this run: stop it there with Ctrl-C"}
          onClick={() => cancel.mutate()}
        >
          <Icon name="stop" size={14} />
          {cancel.isPending ? "Stopping …" : "Cancel"}
        </button>
      ) : (
        <button type="button" className="button" disabled={viewer || retry.isPending} onClick={() => retry.mutate()}>
          <Icon name="stale" size={14} />
          {retry.isPending ? "Starting …" : "Retry"}
        </button>
      )}
      {error && <ProblemView error={error} />}
    </>
  );
}
