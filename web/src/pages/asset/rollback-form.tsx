import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { rollback } from "../../api/client";
import type { AssetDetail } from "../../api/types";
import { versionsQuery } from "../../api/queries";
import { formatUnit } from "../../format/numbers";
import { formatStamp } from "../../format/times";
import { Field, FormDialog, ReasonField, textOf } from "../../patterns/form";

export default function RollbackForm({ asset, onClose }: { asset: AssetDetail; onClose: () => void }) {
  const client = useQueryClient();
  const query = useInfiniteQuery(versionsQuery(asset.name));
  const versions = (query.data?.pages.flatMap((page) => page.items) ?? []).filter((version) =>
    ["superseded", "retracted"].includes(version.state),
  );
  return (
    <FormDialog
      title={`Roll back ${asset.name}`}
      submit="Roll back"
      danger
      send={(values, key) => rollback(asset.name, Number(textOf(values, "to")), textOf(values, "why"), key)}
      done={(version) => `${asset.name} is rolled back: version ${version.number} is published.`}
      onDone={() => void client.invalidateQueries()}
      onClose={onClose}
    >
      <p className="muted">
        A new version that restores an old one is published. Version {asset.live?.number} is retracted; nothing is built again
        until code or inputs change.
      </p>
      <Field label="Restore version">
        {(ids) => (
          <select {...ids} name="to" required>
            {versions.map((version) => (
              <option
                key={version.number}
                value={version.number}
              >{`version ${version.number}: ${formatUnit(version.rows, "row")}, ${formatStamp(version.published_at ?? version.staged_at)} UTC`}</option>
            ))}
          </select>
        )}
      </Field>
      <ReasonField />
    </FormDialog>
  );
}
