import { useQuery } from "@tanstack/react-query";
import { lazy } from "react";
import type { Gate } from "../../api/types";
import { projectQuery } from "../../api/queries";
import { Opens } from "../../patterns/opens";

const PublishForm = lazy(() => import("./forms").then((module) => ({ default: module.PublishForm })));
const DismissForm = lazy(() => import("./forms").then((module) => ({ default: module.DismissForm })));

/** The two ways out of a held gate. */
export function GateActions({ gate }: { gate: Gate }) {
  const viewer = useQuery(projectQuery()).data?.caller.role === "viewer";
  const refused = viewer ? "A viewer cannot publish or dismiss" : undefined;
  return (
    <>
      <Opens label="Dismiss …" disabled={viewer} title={refused}>
        {(close) => <DismissForm gate={gate} onClose={close} />}
      </Opens>
      <Opens
        label="Publish by hand …"
        className="button primary"
        disabled={viewer || !gate.base_is_live}
        title={refused ?? (gate.base_is_live ? undefined : "Another version went live meanwhile")}
      >
        {(close) => <PublishForm gate={gate} onClose={close} />}
      </Opens>
    </>
  );
}
