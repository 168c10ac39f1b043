import { useQuery } from "@tanstack/react-query";
import type { Delivery } from "../../api/types";
import { deliveriesQuery } from "../../api/queries";
import { formatUnit } from "../../format/numbers";
import { Empty } from "../../patterns/empty";
import { AssetLink } from "../../patterns/name";
import { Loaded } from "../../patterns/problem";
import { DELIVERY_STATES, StateMark } from "../../patterns/state";
import { Table, type Column } from "../../patterns/table";
import { Time } from "../../patterns/time";
import { Link, runPath } from "../../router/router";

const columns: Column<Delivery>[] = [
  {
    id: "text",
    header: "Alert",
    width: "40%",
    cell: (delivery) => (
      <div>
        {delivery.text}
        {delivery.last_error && delivery.state !== "sent" && <p className="ink-bad small">{delivery.last_error}</p>}
      </div>
    ),
  },
  {
    id: "state",
    header: "State",
    cell: (delivery) => (
      <span className="row">
        <StateMark of={DELIVERY_STATES[delivery.state]} />
        {delivery.attempts > 1 && <span className="muted small num">{formatUnit(delivery.attempts, "attempt")}</span>}
      </span>
    ),
  },
  {
    id: "to",
    header: "To",
    priority: 2,
    cell: (delivery) => (
      <span className="muted">
        <code className="small">{delivery.to}</code>
      </span>
    ),
  },
  { id: "asset", header: "Asset", priority: 3, cell: (delivery) => delivery.asset && <AssetLink name={delivery.asset} /> },
  {
    id: "run",
    header: "Run",
    priority: 3,
    cell: (delivery) =>
      delivery.run && (
        <Link to={runPath(delivery.run)} className="small mono">
          {delivery.run}
        </Link>
      ),
  },
  { id: "made", header: "Made", cell: (delivery) => <Time at={delivery.made_at} /> },
  {
    id: "sent",
    header: "Sent",
    cell: (delivery) =>
      delivery.sent_at ? (
        <Time at={delivery.sent_at} />
      ) : (
        <span className="faint">
          not yet
          {delivery.due_at && (
            <>
              , tried again <Time at={delivery.due_at} />
            </>
          )}
        </span>
      ),
  },
];

export function Deliveries() {
  const query = useQuery(deliveriesQuery());
  return (
    <Loaded query={query}>
      {(page) => (
        <div className="card">
          {page.items.length === 0 ? (
            <Empty icon="share" title="No alert was sent yet">
              <p>
                Add one to <code>lockgate.yml</code>, and holds, failures and lateness are told to it:
              </p>
              <pre className="snippet">{'alerts:\n  - { when: [held, failed, late], to: "${SLACK_URL}", type: slack }'}</pre>
            </Empty>
          ) : (
            <Table caption="Alert deliveries" columns={columns} rows={page.items} rowKey={(delivery) => delivery.id} />
          )}
        </div>
      )}
    </Loaded>
  );
}
