import { useQuery } from "@tanstack/react-query";
import { lazy } from "react";
import type { AssetDetail } from "../../api/types";
import { projectQuery } from "../../api/queries";
import { Opens } from "../../patterns/opens";

const RollbackForm = lazy(() => import("./rollback-form"));
const StartRun = lazy(() => import("../runs/start-run"));
const SuppressForm = lazy(() => import("./suppress-form"));

export function AssetActions({ asset }: { asset: AssetDetail }) {
  const role = useQuery(projectQuery()).data?.caller.role;
  const refused = role === "viewer" ? "A viewer cannot change anything" : undefined;
  return (
    <>
      {asset.checks.length > 0 && (
        <Opens label="Suppress a check …" disabled={!!refused} title={refused}>
          {(close) => <SuppressForm asset={asset} onClose={close} />}
        </Opens>
      )}
      {asset.live && (
        <Opens label="Roll back …" disabled={!!refused} title={refused}>
          {(close) => <RollbackForm asset={asset} onClose={close} />}
        </Opens>
      )}
      <Opens label="Run …" className="button primary" disabled={!!refused} title={refused}>
        {(close) => <StartRun selectors={asset.name} onClose={close} />}
      </Opens>
    </>
  );
}
