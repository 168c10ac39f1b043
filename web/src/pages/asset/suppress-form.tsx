import { useQueryClient } from "@tanstack/react-query";
import { suppress } from "../../api/client";
import type { AssetDetail } from "../../api/types";
import { Field, FormDialog, ReasonField, textOf } from "../../patterns/form";

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

export default function SuppressForm({ asset, check, onClose }: { asset: AssetDetail; check?: string; onClose: () => void }) {
  const client = useQueryClient();
  return (
    <FormDialog
      title={`Suppress a check of ${asset.name}`}
      submit="Suppress"
      send={(values, key) => {
        const asked = {
          asset: asset.name,
          check: textOf(values, "check"),
          until: `${textOf(values, "until")}T00:00:00Z`,
          why: textOf(values, "why"),
          limit: textOf(values, "limit") || undefined,
        };
        return suppress(asked, key);
      }}
      done={(made) => `${made.check} may fail until ${made.until.slice(0, 10)}.`}
      onDone={() => void client.invalidateQueries()}
      onClose={onClose}
    >
      <p className="muted">One check may fail for a while without holding. It stays visible, and ends by itself.</p>
      <Field label="Check">
        {(ids) => (
          <select {...ids} name="check" defaultValue={check} required>
            {asset.checks.map((one) => (
              <option key={one.name}>{one.name}</option>
            ))}
          </select>
        )}
      </Field>
      <div className="two-fields">
        <Field label="Until" hint="The day it ends, 00:00 UTC.">
          {(ids) => <input {...ids} type="date" name="until" required min={inDays(1)} defaultValue={inDays(7)} />}
        </Field>
        <Field label="Limit (optional)" hint="More failing rows than this hold anyway.">
          {(ids) => (
            <input
              {...ids}
              name="limit"
              placeholder="0.5%"
              pattern="\d+(\.\d+)?%?"
              title="a share like 0.5% or a number of rows"
            />
          )}
        </Field>
      </div>
      <ReasonField />
    </FormDialog>
  );
}
