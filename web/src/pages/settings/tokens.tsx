import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { createToken, revokeToken } from "../../api/client";
import type { Role, Token } from "../../api/types";
import { tokensQuery } from "../../api/queries";
import { Icon } from "../../icons/icon";
import { CopyButton } from "../../patterns/command";
import { Dialog } from "../../patterns/dialog";
import { Section } from "../../patterns/detail";
import { Empty } from "../../patterns/empty";
import { Field, FormDialog, textOf } from "../../patterns/form";
import { Opens } from "../../patterns/opens";
import { Loaded } from "../../patterns/problem";
import { Table, type Column } from "../../patterns/table";
import { Time } from "../../patterns/time";

const columns: Column<Token>[] = [
  {
    id: "name",
    header: "Token",
    cell: (token) => <span className={`name${token.revoked_at ? " faint" : ""}`}>{token.name}</span>,
  },
  { id: "role", header: "Role", cell: (token) => token.role },
  {
    id: "made",
    header: "Made",
    priority: 2,
    cell: (token) => (
      <>
        <Time at={token.made_at} /> <span className="muted">by {token.made_by}</span>
      </>
    ),
  },
  { id: "used", header: "Last used", cell: (token) => <Time at={token.last_used_at} /> },
  {
    id: "ends",
    header: "Ends",
    cell: (token) =>
      token.revoked_at ? (
        <span className="mark tone-idle">
          <Icon name="cross" size={13} />
          revoked <Time at={token.revoked_at} />
        </span>
      ) : token.expires_at ? (
        <Time at={token.expires_at} />
      ) : (
        <span className="ink-warn">never</span>
      ),
  },
  { id: "act", header: "", align: "right", cell: (token) => !token.revoked_at && <Revoke of={token} /> },
];

export function Tokens() {
  const query = useQuery(tokensQuery());
  const [secret, setSecret] = useState<{ name: string; secret: string } | null>(null);
  return (
    <Section
      title="API tokens"
      lead="For scripts, other machines and signing in here."
      aside={
        <Opens
          label={
            <>
              <Icon name="plus" size={14} />
              Create a token …
            </>
          }
          className="button primary"
        >
          {(close) => <Create onClose={close} onMade={setSecret} />}
        </Opens>
      }
    >
      <Loaded query={query}>
        {(page) => (
          <div className="card">
            {page.items.length === 0 ? (
              <Empty icon="key" title="No tokens yet" command="lockgate token create NAME --role viewer" />
            ) : (
              <Table caption="API tokens" columns={columns} rows={page.items} rowKey={(token) => token.id} />
            )}
          </div>
        )}
      </Loaded>
      {secret && (
        <Dialog title={`Token ${secret.name}`} onClose={() => setSecret(null)}>
          <div className="dialog-body">
            <p>
              <strong>Copy it now.</strong> Only its hash is kept: it is never shown again.
            </p>
            <p className="command secret">
              <code>{secret.secret}</code>
              <CopyButton text={secret.secret} what="token" />
            </p>
          </div>
          <footer className="dialog-foot">
            <button type="button" className="button primary" onClick={() => setSecret(null)}>
              I have copied it
            </button>
          </footer>
        </Dialog>
      )}
    </Section>
  );
}

const ROLES: [Role, string][] = [
  ["viewer", "reads everything, changes nothing"],
  ["operator", "starts runs, decides at gates"],
  ["admin", "all that, and tokens"],
];

function Create({ onClose, onMade }: { onClose: () => void; onMade: (made: { name: string; secret: string }) => void }) {
  const client = useQueryClient();
  return (
    <FormDialog
      title="Create a token"
      submit="Create"
      send={(values) => {
        const day = textOf(values, "expires_on");
        return createToken({
          name: textOf(values, "name"),
          role: textOf(values, "role") as Role,
          ...(day ? { expires_at: `${day}T00:00:00Z` } : {}),
        });
      }}
      onDone={(made) => {
        onMade(made);
        void client.invalidateQueries({ queryKey: ["tokens"] });
      }}
      onClose={onClose}
    >
      <Field label="Name" hint="Who or what uses it. The audit log shows it as the actor.">
        {(ids) => <input {...ids} name="name" required autoComplete="off" spellCheck={false} maxLength={80} />}
      </Field>
      <fieldset className="field">
        <legend className="label">Role</legend>
        {ROLES.map(([role, what]) => (
          <label key={role}>
            <input type="radio" name="role" value={role} defaultChecked={role === "viewer"} /> {role}{" "}
            <span className="muted">– {what}</span>
          </label>
        ))}
      </fieldset>
      <Field label="Ends on (optional)" hint="00:00 UTC. Without it the token never ends.">
        {(ids) => <input {...ids} type="date" name="expires_on" />}
      </Field>
    </FormDialog>
  );
}

function Revoke({ of }: { of: Token }) {
  const client = useQueryClient();
  return (
    <Opens label="Revoke …" className="button small danger">
      {(close) => (
        <FormDialog
          title={`Revoke ${of.name}`}
          submit="Revoke"
          danger
          send={() => revokeToken(of.id)}
          done={() => `${of.name} is revoked.`}
          onDone={() => void client.invalidateQueries({ queryKey: ["tokens"] })}
          onClose={close}
        >
          <p>Whatever uses this token is refused from now on. This cannot be undone.</p>
        </FormDialog>
      )}
    </Opens>
  );
}
