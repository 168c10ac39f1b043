// Starting a run: say what, see the plan, start it. The plan is what the command line prints as `lockgate plan`.
import { useMutation } from "@tanstack/react-query";
import { useRef } from "react";
import { plan, startRun } from "../../api/client";
import type { Plan, RunRequest } from "../../api/types";
import { formatUnit } from "../../format/numbers";
import { formatDuration } from "../../format/times";
import { Icon } from "../../icons/icon";
import { Command } from "../../patterns/command";
import { Field, FormDialog, textOf, wordsOf } from "../../patterns/form";
import { AssetLink } from "../../patterns/name";
import { ProblemView } from "../../patterns/problem";
import { Table } from "../../patterns/table";
import { navigate, runPath } from "../../router/router";
import { SchemaDiff } from "../diff/schema-diff";
import "./start-run.css";

export function requestOf(values: FormData): RunRequest {
  const instants = (["from", "to", "as_of"] as const).flatMap((name) => {
    const text = textOf(values, name);
    return text ? [[name, `${text}:00Z`]] : [];
  });
  return {
    selectors: wordsOf(values, "selectors"),
    exclude: wordsOf(values, "exclude"),
    force: values.has("force"),
    full_refresh: values.has("full_refresh"),
    ...(values.has("confirm") ? { confirm: true } : {}),
    ...Object.fromEntries(instants),
  };
}

function commandOf(request: RunRequest): string {
  return [
    "lockgate plan",
    ...(request.selectors ?? []),
    ...(request.exclude?.length ? ["--exclude", ...request.exclude] : []),
    request.force && "--force",
    request.full_refresh && "--full-refresh",
    request.from && `--from ${request.from}`,
    request.to && `--to ${request.to}`,
    request.as_of && `--as-of ${request.as_of}`,
  ]
    .filter(Boolean)
    .join(" ");
}

export default function StartRun({ selectors = "", onClose }: { selectors?: string; onClose: () => void }) {
  const fields = useRef<HTMLDivElement>(null);
  const planning = useMutation({ mutationFn: plan });
  const preview = () => {
    const form = fields.current?.closest("form");
    if (form) planning.mutate(requestOf(new FormData(form)));
  };
  // What was previewed is not what would run once a field changes.
  const changed = () => planning.reset();
  return (
    <FormDialog
      title="Start a run"
      submit="Start the run"
      wide
      send={(values, key) => startRun(requestOf(values), key)}
      done={(started) => `Run ${started.run} is started.`}
      onDone={(started) => navigate(runPath(started.run))}
      onClose={onClose}
    >
      <div className="stack" ref={fields} onChange={changed}>
        <Field
          label="Assets"
          hint={
            <>
              Selectors as on the command line: <code>mart.daily</code>, <code>mart</code>, <code>+x</code> with ancestors,{" "}
              <code>x+</code> with descendants, <code>tag:x</code>. Empty: everything that is stale.
            </>
          }
        >
          {(ids) => (
            <input
              {...ids}
              name="selectors"
              defaultValue={selectors}
              className="mono"
              spellCheck={false}
              autoComplete="off"
              placeholder="everything that is stale"
            />
          )}
        </Field>
        <details>
          <summary className="muted">More options</summary>
          <div className="stack options">
            <div className="two-columns">
              <Field label="Leave out">
                {(ids) => <input {...ids} name="exclude" className="mono" spellCheck={false} autoComplete="off" />}
              </Field>
              <Field label="As of (UTC)" hint="The run's logical time; now when empty.">
                {(ids) => <input {...ids} name="as_of" type="datetime-local" />}
              </Field>
            </div>
            <div className="two-columns">
              <Field label="Build again from (UTC)" hint="Together with “to”: the time ranges that are built again.">
                {(ids) => <input {...ids} name="from" type="datetime-local" />}
              </Field>
              <Field label="to (UTC)" hint="The first instant that is not built again.">
                {(ids) => <input {...ids} name="to" type="datetime-local" />}
              </Field>
            </div>
            <Choice name="force" label="Force" hint="build also what is not stale" />
            <Choice name="full_refresh" label="Full refresh" hint="build from all rows, not only the new ones" />
            <Choice name="confirm" label="Confirm" hint="allow what would destroy history" />
          </div>
        </details>
        <div>
          <button type="button" className="button" onClick={preview} disabled={planning.isPending}>
            <Icon name="search" size={14} />
            {planning.isPending ? "Planning …" : "Show the plan"}
          </button>
        </div>
      </div>
      <div aria-live="polite">
        {planning.isError && <ProblemView error={planning.error} />}
        {planning.data && <PlanView of={planning.data} command={commandOf(planning.variables)} />}
      </div>
    </FormDialog>
  );
}

function Choice({ name, label, hint }: { name: string; label: string; hint: string }) {
  return (
    <label>
      <input type="checkbox" name={name} /> {label} <span className="muted">– {hint}</span>
    </label>
  );
}

function PlanView({ of, command }: { of: Plan; command: string }) {
  const known = of.steps.filter((step) => step.estimate !== null);
  const total = known.reduce((sum, step) => sum + (step.estimate?.duration_ms ?? 0), 0);
  return (
    <section className="stack tight" aria-label="Plan">
      <h3>
        {of.steps.length === 0 ? "Nothing to do" : `The plan builds ${formatUnit(of.steps.length, "asset")}`}
        {total > 0 && (
          <span className="muted">
            , about {formatDuration(total)} of work
            {known.length < of.steps.length && ` and ${of.steps.length - known.length} not known`}
          </span>
        )}
      </h3>
      <p className="muted small">
        {formatUnit(of.fresh, "asset")} fresh
        {of.held.length > 0 && (
          <>; held and not built again: {of.held.map((held) => `${held.asset} (version ${held.number})`).join(", ")}</>
        )}
        .
      </p>
      {of.steps.length > 0 && (
        <div className="card plan-steps">
          <Table
            caption="Steps of the plan"
            rows={of.steps}
            rowKey={(step) => step.asset}
            columns={[
              { id: "asset", header: "Asset", cell: (step) => <AssetLink name={step.asset} /> },
              {
                id: "why",
                header: "Why",
                roomy: true,
                cell: (step) => (
                  <div>
                    {step.reasons.join("; ")}
                    {step.recheck_only && <span className="tag">checks only</span>}
                    {step.schema_change && (
                      <details>
                        <summary className="small">schema changes</summary>
                        <SchemaDiff of={step.schema_change} />
                      </details>
                    )}
                  </div>
                ),
              },
              {
                id: "rows",
                header: "Rows, about",
                align: "right",
                cell: (step) => step.estimate && formatUnit(step.estimate.rows, "row"),
              },
              {
                id: "time",
                header: "Time, about",
                align: "right",
                cell: (step) => step.estimate && formatDuration(step.estimate.duration_ms),
              },
            ]}
          />
        </div>
      )}
      <Command text={command} />
    </section>
  );
}
