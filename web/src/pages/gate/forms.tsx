import { useQueryClient } from "@tanstack/react-query";
import { dismiss, publish } from "../../api/client";
import type { Gate } from "../../api/types";
import { formatUnit } from "../../format/numbers";
import { FormDialog, ReasonField, textOf } from "../../patterns/form";

interface GateFormProps {
  gate: Gate;
  onClose: () => void;
}

export function DismissForm({ gate, onClose }: GateFormProps) {
  const client = useQueryClient();
  const number = gate.candidate.summary.number;
  const kept = gate.live ? `Readers keep version ${gate.live.summary.number}.` : "Readers have no version yet.";
  return (
    <FormDialog
      title={`Dismiss version ${number}`}
      submit={`Dismiss version ${number}`}
      danger
      send={(values, key) => dismiss(gate.asset, number, textOf(values, "why"), key)}
      done={() => `Version ${number} of ${gate.asset} is dismissed. ${kept}`}
      onDone={() => void client.invalidateQueries()}
      onClose={onClose}
    >
      <p>{kept} The asset is built again when its inputs or its code change.</p>
      <ReasonField />
    </FormDialog>
  );
}

export function PublishForm({ gate, onClose }: GateFormProps) {
  const client = useQueryClient();
  const number = gate.candidate.summary.number;
  const failed = gate.candidate.checks.filter((check) => check.state === "failed" || check.state === "errored");
  return (
    <FormDialog
      title={`Publish version ${number} by hand`}
      submit={`Publish version ${number}`}
      send={(values, key) => publish(gate.asset, number, textOf(values, "why"), key)}
      done={() => `Version ${number} of ${gate.asset} is published.`}
      onDone={() => void client.invalidateQueries()}
      onClose={onClose}
    >
      <div className="stack tight">
        <p>
          Readers will see version {number} although {formatUnit(failed.length, "check")} failed:
        </p>
        <ul className="plain-list">
          {failed.map((check) => (
            <li key={check.name}>
              <code>{check.name}</code> <span className="muted">{check.message}</span>
            </li>
          ))}
        </ul>
        {gate.group && <p className="muted">The held versions of group {gate.group.name} are published together.</p>}
      </div>
      <ReasonField />
    </FormDialog>
  );
}
