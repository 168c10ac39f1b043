// What changed between the last good version and the candidate: the first place to look for the cause.
import type { Gate, Upstream } from "../../api/types";
import { formatChange, formatUnit } from "../../format/numbers";
import { Icon } from "../../icons/icon";
import { LineDiff } from "../../patterns/code";
import { Section } from "../../patterns/detail";
import { AssetLink } from "../../patterns/name";
import { Table, type Column } from "../../patterns/table";
import { Time } from "../../patterns/time";
import { Link, runPath } from "../../router/router";

type Input = Upstream["inputs"][number];
const columns: Column<Input>[] = [
  { id: "asset", header: "Input", cell: (input) => <AssetLink name={input.asset} /> },
  {
    id: "version",
    header: "Version",
    cell: (input) => (
      <span className="num">
        {input.from === null ? "new: " : input.from === input.to ? "" : `${input.from} → `}
        {input.to}
        {input.from === input.to && <span className="faint"> unchanged</span>}
      </span>
    ),
  },
  {
    id: "rows",
    header: "Rows",
    align: "right",
    cell: (input) => (input.rows_before === null ? formatUnit(input.rows, "row") : formatChange(input.rows_before, input.rows)),
  },
  {
    id: "code",
    header: "Its code",
    priority: 2,
    cell: (input) =>
      input.code_changed ? (
        <span className="ink-warn">
          <Icon name="changed" size={13} /> changed
        </span>
      ) : (
        <span className="faint">unchanged</span>
      ),
  },
  {
    id: "published",
    header: "Published",
    priority: 2,
    cell: (input) => (
      <>
        <Time at={input.published_at} /> by {input.actor}
      </>
    ),
  },
  { id: "run", header: "Run", priority: 3, cell: (input) => input.run && <Link to={runPath(input.run)}>{input.run}</Link> },
];

export function UpstreamView({ gate }: { gate: Gate }) {
  const { code, inputs, settings, files } = gate.upstream;
  const moved = inputs.filter((input) => input.from !== input.to);
  const fileCount = files ? files.added.length + files.changed.length + files.removed.length : 0;
  const words = [
    code.length > 0 && "code",
    moved.length > 0 && formatUnit(moved.length, "input"),
    settings.length > 0 && formatUnit(settings.length, "setting"),
    fileCount > 0 && formatUnit(fileCount, "file"),
  ].filter(Boolean);
  return (
    <Section
      title="What changed upstream"
      lead={
        words.length > 0
          ? `Since ${gate.live ? `version ${gate.live.summary.number}` : "the start"}: ${words.join(", ")}.`
          : "Nothing that Lockgate knows of: same code, same inputs, same settings. The data itself must have changed."
      }
    >
      {code.map((part) => (
        <div key={part.part} className="stack tight">
          <h3>Code: {part.part}</h3>
          <LineDiff before={part.before} after={part.after} label={`Changes of the code, ${part.part}`} />
        </div>
      ))}
      {inputs.length > 0 && (
        <div className="card">
          <Table
            caption="Inputs, before and now"
            columns={columns}
            rows={inputs.toSorted((a, b) => Number(a.from === a.to) - Number(b.from === b.to))}
            rowKey={(input) => input.asset}
          />
        </div>
      )}
      {settings.length > 0 && (
        <ul className="card lines settings-change">
          {settings.map((one) => (
            <li key={one.part}>
              <code>{one.part}</code>
              <span className="mono">
                <del>{one.before ?? "not set"}</del> <Icon name="chevron" size={11} />
                <span className="hidden-text"> now </span> <ins>{one.after ?? "not set"}</ins>
              </span>
            </li>
          ))}
        </ul>
      )}
      {files && fileCount > 0 && (
        <ul className="card padded file-list">
          {files.added.map((file) => (
            <li key={file}>
              <Icon name="plus" size={13} className="ink-good" /> <span className="faint">added</span> <code>{file}</code>
            </li>
          ))}
          {files.changed.map((file) => (
            <li key={file}>
              <Icon name="changed" size={13} className="ink-warn" /> <span className="faint">changed</span> <code>{file}</code>
            </li>
          ))}
          {files.removed.map((file) => (
            <li key={file}>
              <Icon name="minus" size={13} className="ink-bad" /> <span className="faint">removed</span> <code>{file}</code>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
