import type { SchemaChange } from "../../api/types";
import { Icon } from "../../icons/icon";
import "./diff.css";

export function SchemaDiff({ of }: { of: SchemaChange }) {
  if (of.added.length + of.removed.length + of.retyped.length === 0) return <p className="muted">The schema is the same.</p>;
  return (
    <ul className="card schema-diff">
      {of.added.map((column) => (
        <li key={column.name}>
          <Icon name="plus" size={14} className="ink-good" /> <span className="faint">added</span>{" "}
          <code className="name">{column.name}</code> <code className="muted">{column.type}</code>
        </li>
      ))}
      {of.removed.map((column) => (
        <li key={column.name}>
          <Icon name="minus" size={14} className="ink-bad" /> <span className="faint">removed</span>{" "}
          <code className="name">{column.name}</code> <code className="muted">{column.type}</code>
        </li>
      ))}
      {of.retyped.map(([name, before, after]) => (
        <li key={name}>
          <Icon name="changed" size={14} className="ink-warn" /> <span className="faint">type</span>{" "}
          <code className="name">{name}</code>{" "}
          <span className="mono">
            <del>{before}</del> <Icon name="chevron" size={11} />
            <span className="hidden-text"> now </span> <ins>{after}</ins>
          </span>
        </li>
      ))}
    </ul>
  );
}
