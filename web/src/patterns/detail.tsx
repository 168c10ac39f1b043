// The detail pattern: a head with the thing's name and state, facts beside it, sections or tabs below.
import { useEffect, useRef, type ReactNode } from "react";
import { Icon } from "../icons/icon";
import { Link, useRouter } from "../router/router";
import "./detail.css";

interface HeadProps {
  title: ReactNode;
  /** The document's title; needed when `title` is not plain text. */
  name?: string;
  crumbs?: { text: string; to: string }[];
  state?: ReactNode;
  lead?: ReactNode;
  actions?: ReactNode;
}
export function PageHead({ title, name, crumbs, state, lead, actions }: HeadProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const text = name ?? (typeof title === "string" ? title : "");
  const { path } = useRouter().place;
  useEffect(() => {
    document.title = text ? `${text} · Lockgate` : "Lockgate";
  }, [text]);
  useEffect(() => {
    // After following a link the keyboard starts at the new page's title, and screen readers say it. Not on the first load.
    if (path !== lastPath && lastPath !== null) heading.current?.focus({ preventScroll: true });
    lastPath = path;
  }, [path]);
  return (
    <header className="page-head">
      {crumbs && (
        <nav aria-label="Where this is" className="crumbs">
          {crumbs.map((crumb) => (
            <span key={crumb.to}>
              <Link to={crumb.to}>{crumb.text}</Link>
              <Icon name="chevron" size={11} />
            </span>
          ))}
        </nav>
      )}
      <div className="page-title">
        <div className="row">
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {state}
        </div>
        {actions && <div className="row">{actions}</div>}
      </div>
      {lead && <div className="lead muted">{lead}</div>}
    </header>
  );
}
let lastPath: string | null = null;

export interface Tab {
  id: string;
  label: string;
  count?: number;
}
/** Tabs are links: each has an address, works with the browser's back and opens in a new window. */
export function Tabs({ tabs, current, to }: { tabs: Tab[]; current: string; to: (id: string) => string }) {
  const row = useRef<HTMLElement>(null);
  useEffect(() => {
    const chosen = row.current?.querySelector<HTMLElement>("[aria-current]");
    if (row.current && chosen) row.current.scrollLeft = chosen.offsetLeft - 40;
  }, [current]);
  return (
    <nav className="tabs" aria-label="Parts of this page" ref={row}>
      {tabs.map((tab) => (
        <Link key={tab.id} to={to(tab.id)} aria-current={tab.id === current ? "page" : undefined}>
          {tab.label}
          {tab.count !== undefined && <span className="tag num">{tab.count}</span>}
        </Link>
      ))}
    </nav>
  );
}

export function WithFacts({ facts, children }: { facts: ReactNode; children: ReactNode }) {
  return (
    <div className="with-facts">
      <div className="stack loose">{children}</div>
      <aside aria-label="Facts" className="facts-place">
        {facts}
      </aside>
    </div>
  );
}
/** Pairs of a name and a value; those without a value are left out. */
export function Facts({ of, title }: { of: [string, ReactNode][]; title?: string }) {
  const shown = of.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== "");
  return (
    <section className="card padded facts">
      {title && <h2>{title}</h2>}
      <dl>
        {shown.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

export function Section({
  title,
  count,
  id,
  aside,
  lead,
  children,
}: {
  title: string;
  count?: ReactNode;
  id?: string;
  aside?: ReactNode;
  lead?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="section" id={id} aria-label={title}>
      <div className="row spread">
        <h2>
          {title}
          {count !== undefined && <span className="section-count num">{count}</span>}
        </h2>
        {aside && <div className="row">{aside}</div>}
      </div>
      {lead && <p className="muted section-lead">{lead}</p>}
      {children}
    </section>
  );
}
