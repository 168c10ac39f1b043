// A small router over the History API: paths to lazily loaded pages, links, and filters kept in the address. Own code because
// the script of a page is limited to 300 KB and React with the query library takes 230 of them.
import {
  createContext,
  lazy,
  startTransition,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
  type AnchorHTMLAttributes,
  type ComponentType,
  type MouseEvent,
  type ReactNode,
} from "react";
import { matchPath } from "./match";

export interface Route {
  path: string;
  load: () => Promise<{ default: ComponentType }>;
  page: ComponentType;
}
/** A page module has a default export without properties; it reads its parameters with `useParams`. */
export function route(path: string, load: Route["load"]): Route {
  return { path, load, page: lazy(load) };
}

interface Place {
  path: string;
  search: string;
  hash: string;
}
interface Router {
  place: Place;
  routes: Route[];
  matched: Route | null;
  parameters: Record<string, string>;
}
const RouterContext = createContext<Router | null>(null);
const NAVIGATED = "lockgate:navigated";

const here = (): Place => ({ path: location.pathname, search: location.search, hash: location.hash });

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  history[options.replace ? "replaceState" : "pushState"](null, "", to);
  window.dispatchEvent(new Event(NAVIGATED));
}

export function RouterProvider({ routes, children }: { routes: Route[]; children: ReactNode }) {
  const [place, setPlace] = useState(here);
  useEffect(() => {
    // A transition keeps the old page on screen until the next one's script is here.
    const update = () => startTransition(() => setPlace(here()));
    window.addEventListener("popstate", update);
    window.addEventListener(NAVIGATED, update);
    return () => {
      window.removeEventListener("popstate", update);
      window.removeEventListener(NAVIGATED, update);
    };
  }, []);
  const value = useMemo(() => ({ place, routes, ...find(routes, place.path) }), [place, routes]);
  return <RouterContext value={value}>{children}</RouterContext>;
}

function find(routes: Route[], path: string): Pick<Router, "matched" | "parameters"> {
  for (const matched of routes) {
    const parameters = matchPath(matched.path, path);
    if (parameters) return { matched, parameters };
  }
  return { matched: null, parameters: {} };
}

export function useRouter(): Router {
  const router = useContext(RouterContext);
  if (!router) throw new Error("used outside RouterProvider");
  return router;
}
export const useParam = (name: string): string => useRouter().parameters[name] ?? "";

/** The address's search parameters and a setter; an empty value takes the parameter away. Filters replace, they are no history. */
export function useFilters(): [URLSearchParams, (change: Record<string, string | null>) => void] {
  const { place } = useRouter();
  const filters = useMemo(() => new URLSearchParams(place.search), [place.search]);
  const set = useCallback((change: Record<string, string | null>) => {
    const next = new URLSearchParams(location.search);
    for (const [key, value] of Object.entries(change)) {
      if (value === null || value === "") next.delete(key);
      else next.set(key, value);
    }
    const text = next.toString();
    navigate(location.pathname + (text && `?${text}`) + location.hash, { replace: true });
  }, []);
  return [filters, set];
}

type LinkProps = AnchorHTMLAttributes<HTMLAnchorElement> & { to: string };

export function Link({ to, onClick, children, ...rest }: LinkProps) {
  const { routes } = useRouter();
  const prefetch = () => {
    const path = to.split(/[?#]/, 1)[0] as string;
    void routes.find((candidate) => matchPath(candidate.path, path))?.load();
  };
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a href={to} onClick={follow} onPointerEnter={prefetch} {...rest}>
      {children}
    </a>
  );
}

export const assetPath = (name: string, tab?: string): string => `/assets/${encodeURIComponent(name)}${tab ? `?tab=${tab}` : ""}`;
export const gatePath = (name: string): string => `/gates/${encodeURIComponent(name)}`;
export const runPath = (id: string): string => `/runs/${encodeURIComponent(id)}`;
