// The list pattern: title, search, facets, a table, paging, and what to do when there is nothing. Filters live in the address.
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import type { Facet, Page } from "../api/types";
import { formatCount } from "../format/numbers";
import { Icon } from "../icons/icon";
import { useFilters } from "../router/router";
import { PageHead } from "./detail";
import { ProblemView, Waiting } from "./problem";
import type { Sorting } from "./table";
import "./list.css";

interface ListPageProps<T> {
  title: string;
  lead?: ReactNode;
  actions?: ReactNode;
  filters?: ReactNode;
  query: UseInfiniteQueryResult<InfiniteData<Page<T>>>;
  /** What one row is, for the count: ["asset", "assets"]. */
  noun: [string, string];
  filtered: boolean;
  empty: ReactNode;
  children: (rows: T[]) => ReactNode;
}
export function ListPage<T>({ title, lead, actions, filters, query, noun, filtered, empty, children }: ListPageProps<T>) {
  return (
    <>
      <PageHead title={title} lead={lead} actions={actions} />
      {filters && <div className="filters">{filters}</div>}
      <Rows query={query} noun={noun} filtered={filtered} empty={empty}>
        {children}
      </Rows>
    </>
  );
}

type RowsProps<T> = Pick<ListPageProps<T>, "query" | "noun" | "filtered" | "empty" | "children">;
export function Rows<T>({ query, noun, filtered, empty, children }: RowsProps<T>) {
  if (query.isError && !query.data) return <ProblemView error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Waiting lines={8} />;
  const rows = query.data.pages.flatMap((page) => page.items);
  const total = query.data.pages[0]?.total;
  if (rows.length === 0) {
    return (
      <div className="card">
        {filtered ? (
          <div className="empty">
            <Icon name="search" size={24} />
            <p className="empty-title">No {noun[1]} match these filters</p>
            <ClearFilters />
          </div>
        ) : (
          empty
        )}
      </div>
    );
  }
  return (
    <>
      {query.isError && <ProblemView error={query.error} retry={() => void query.refetch()} />}
      <div className="card" aria-busy={query.isPlaceholderData}>
        {children(rows)}
      </div>
      <div className="row spread list-foot">
        <p className="small muted num" role="status">
          {formatCount(rows.length)}
          {total != null && total > rows.length ? ` of ${formatCount(total)}` : ""}{" "}
          {rows.length === 1 && (total ?? 1) === 1 ? noun[0] : noun[1]}
        </p>
        {query.hasNextPage && (
          <button type="button" className="button" onClick={() => void query.fetchNextPage()} disabled={query.isFetchingNextPage}>
            {query.isFetchingNextPage ? "Loading …" : `Show more ${noun[1]}`}
          </button>
        )}
      </div>
    </>
  );
}

function ClearFilters() {
  const [filters, setFilters] = useFilters();
  const clear = () => setFilters(Object.fromEntries([...filters.keys()].map((key) => [key, null])));
  return (
    <button type="button" className="button" onClick={clear}>
      Clear the filters
    </button>
  );
}

/** Writes to the address a moment after the last key, so that a word is one request. `/` puts the focus here. */
export function SearchBox({ label, name = "search" }: { label: string; name?: string }) {
  const [filters, setFilters] = useFilters();
  const committed = filters.get(name) ?? "";
  const [text, setText] = useState(committed);
  const [seen, setSeen] = useState(committed);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  if (seen !== committed) {
    // The address changed by other hands (back button, cleared filters).
    setSeen(committed);
    if (committed.trim() !== text.trim()) setText(committed);
  }
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = (value: string) => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setFilters({ [name]: value.trim() }), 180);
  };
  return (
    <div className="search-box">
      <Icon name="search" />
      <input
        type="search"
        value={text}
        onChange={(event) => change(event.target.value)}
        placeholder={label}
        aria-label={label}
        data-search=""
        autoComplete="off"
        spellCheck={false}
      />
    </div>
  );
}

/** One choice among the values that are there, with how many each has. */
export function FacetSelect({
  label,
  name,
  facets,
  format = (value) => value,
}: {
  label: string;
  name: string;
  facets: Facet[] | undefined;
  format?: (value: string) => string;
}) {
  const [filters, setFilters] = useFilters();
  const id = useId();
  const value = filters.get(name) ?? "";
  const known = facets ?? [];
  return (
    <div className={`facet${value ? " chosen" : ""}`}>
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => setFilters({ [name]: event.target.value })}>
        <option value="">any</option>
        {value && !known.some((facet) => facet.value === value) && <option value={value}>{format(value)}</option>}
        {known.map((facet) => (
          <option key={facet.value} value={facet.value}>{`${format(facet.value)} (${formatCount(facet.count)})`}</option>
        ))}
      </select>
    </div>
  );
}

export function useSorting(by: string, descending = false): Sorting {
  const [filters, setFilters] = useFilters();
  return {
    by: filters.get("sort") ?? by,
    descending: filters.has("sort") ? filters.get("descending") === "true" : descending,
    set: (next, down) => setFilters({ sort: next, descending: down ? "true" : null }),
  };
}
