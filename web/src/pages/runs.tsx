import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { lazy } from "react";
import type { RunSummary } from "../api/types";
import { projectQuery, runsQuery } from "../api/queries";
import { Icon } from "../icons/icon";
import { Empty } from "../patterns/empty";
import { Opens } from "../patterns/opens";
import { FacetSelect, ListPage, SearchBox } from "../patterns/list";
import { RUN_STATES, StateMark } from "../patterns/state";
import { Table, type Column } from "../patterns/table";
import { Time, Took } from "../patterns/time";
import { Link, runPath, useFilters } from "../router/router";
import { TaskBar } from "./run/task-bar";
import "./runs/runs.css";

const StartRun = lazy(() => import("./runs/start-run"));

const columns: Column<RunSummary>[] = [
  {
    id: "run",
    header: "Run",
    width: "36%",
    cell: (run) => (
      <div className="run-cell">
        <Link to={runPath(run.id)} className="name">
          {run.request}
        </Link>
        <span className="muted small mono">
          {run.id}
          {run.retry_of && (
            <>
              {" "}
              retry of <Link to={runPath(run.retry_of)}>{run.retry_of}</Link>
            </>
          )}
        </span>
      </div>
    ),
  },
  { id: "state", header: "State", cell: (run) => <StateMark of={RUN_STATES[run.state]} /> },
  { id: "tasks", header: "Tasks", width: "24%", roomy: true, cell: (run) => <TaskBar tasks={run.tasks} /> },
  { id: "started", header: "Started", cell: (run) => <Time at={run.started_at} /> },
  { id: "took", header: "Took", align: "right", cell: (run) => <Took from={run.started_at} to={run.ended_at} /> },
  {
    id: "actor",
    header: "By",
    priority: 2,
    cell: (run) => (
      <>
        {run.actor}
        {run.schedule && <span className="faint small"> schedule</span>}
      </>
    ),
  },
];

const STATES = Object.keys(RUN_STATES).map((value) => value as RunSummary["state"]);

export default function RunsPage() {
  const [filters, setFilters] = useFilters();
  const role = useQuery(projectQuery()).data?.caller.role;
  const chosen = { state: filters.get("state"), actor: filters.get("actor"), asset: filters.get("asset") };
  const query = useInfiniteQuery(runsQuery(chosen));
  return (
    <ListPage
      title="Runs"
      actions={
        <Opens
          label={
            <>
              <Icon name="play" size={14} />
              Start a run …
            </>
          }
          className="button primary"
          disabled={role === "viewer"}
          title={role === "viewer" ? "A viewer cannot start a run" : undefined}
        >
          {(close) => <StartRun onClose={close} />}
        </Opens>
      }
      query={query}
      noun={["run", "runs"]}
      filtered={Object.values(chosen).some(Boolean)}
      filters={
        <>
          <SearchBox label="Asset, as schema.table" name="asset" />
          <div role="group" aria-label="State" className="choices">
            {["", ...STATES].map((state) => (
              <button
                key={state}
                type="button"
                aria-pressed={(chosen.state ?? "") === state}
                onClick={() => setFilters({ state })}
              >
                {state || "all"}
              </button>
            ))}
          </div>
          {chosen.actor && <FacetSelect label="By" name="actor" facets={[]} />}
        </>
      }
      empty={
        <Empty icon="runs" title="Nothing ran yet" command="lockgate run">
          A run builds what is stale, checks it, and publishes what passes its gate.
        </Empty>
      }
    >
      {(rows) => <Table caption="Runs" columns={columns} rows={rows} rowKey={(run) => run.id} />}
    </ListPage>
  );
}
