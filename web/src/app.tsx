// The frame around every page: navigation, live mark, theme, who is signed in; sign-in instead of it when the API asks for it.
import { useQuery } from "@tanstack/react-query";
import { Component, lazy, Suspense, useCallback, useEffect, useState, type ReactNode } from "react";
import { signOut } from "./api/client";
import { ApiProblem } from "./api/problem";
import { overviewQuery, projectQuery } from "./api/queries";
import { Icon, type IconName } from "./icons/icon";
import { useKeys } from "./keys/keys";
import { useLiveState } from "./live/live";
import { Notices } from "./patterns/notice";
import { ProblemView, Waiting } from "./patterns/problem";
import { Link, useRouter } from "./router/router";
import { places } from "./routes";
import { setTheme, useTheme, type Theme } from "./theme/theme";
import "./patterns/state.css";
import "./app.css";

const Palette = lazy(() => import("./keys/palette"));
const KeysDialog = lazy(() => import("./keys/keys-dialog"));
const NotFound = lazy(() => import("./pages/not-found"));

export function App() {
  const { matched, place } = useRouter();
  const [menu, setMenu] = useState<string | null>(null); // the path it was opened on: it closes by going elsewhere
  const [dialog, setDialog] = useState<"palette" | "keys" | null>(null);
  const close = useCallback(() => setDialog(null), []);
  useKeys(setDialog);
  useEffect(() => {
    window.scrollTo(0, 0); // in braces: newer browsers return a promise, which is no clean-up
  }, [place.path]);
  const open = menu === place.path;
  const Page = matched?.page ?? NotFound;
  return (
    <div className="app">
      <a href="#main" className="skip">
        Skip to the page
      </a>
      <header className={`sidebar${open ? " open" : ""}`}>
        <Brand />
        <button
          type="button"
          className="button quiet icon-only find"
          onClick={() => setDialog("palette")}
          aria-label="Go to an asset or a page (Ctrl K)"
          title="Go to an asset or a page (Ctrl K)"
        >
          <Icon name="search" />
        </button>
        <button
          type="button"
          className="button quiet icon-only menu"
          aria-expanded={open}
          aria-controls="navigation"
          onClick={() => setMenu(open ? null : place.path)}
          aria-label="Menu"
        >
          <Icon name={open ? "cross" : "menu"} />
        </button>
        <div className="side" id="navigation">
          <Navigation />
          <div className="side-foot">
            <LiveMark />
            <ThemeSwitch />
            <button type="button" className="button quiet small" onClick={() => setDialog("keys")}>
              <Icon name="command" />
              Keys <kbd>?</kbd>
            </button>
            <Caller />
          </div>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <BrokenProject />
        <Catch key={place.path}>
          <Suspense fallback={<Waiting lines={8} />}>
            <Page key={place.path} />
          </Suspense>
        </Catch>
      </main>
      <Notices />
      <Suspense fallback={null}>
        {dialog === "palette" && <Palette onClose={close} />}
        {dialog === "keys" && <KeysDialog onClose={close} />}
      </Suspense>
    </div>
  );
}

function Brand() {
  const project = useQuery(projectQuery()).data;
  return (
    <Link to="/" className="brand">
      <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" fill="var(--accent)" />
        <path
          d="M8 8v16M24 8v16M8 11l8 5 8-5M8 21l8-5 8 5"
          fill="none"
          stroke="var(--on-accent)"
          strokeWidth="2.6"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
      <span>
        <strong>{project?.name ?? "Lockgate"}</strong>
        <span className="hidden-text">, Lockgate overview</span>
        <span className="faint small">{project ? `${project.environment} · ${project.version}` : " "}</span>
      </span>
    </Link>
  );
}

function Navigation() {
  const { path } = useRouter().place;
  const held = useQuery({ ...overviewQuery(), refetchInterval: false }).data?.held.length ?? 0;
  const isHere = (to: string) =>
    to === "/" ? path === "/" || path.startsWith("/gates") : path === to || path.startsWith(`${to}/`);
  return (
    <nav aria-label="Pages">
      <ul>
        {places.map((place) => (
          <li key={place.path}>
            <Link to={place.path} aria-current={isHere(place.path) ? "page" : undefined} title={`g ${place.key}`}>
              <Icon name={place.icon} />
              {place.label}
              {place.path === "/" && held > 0 && <span className="mark tone-held">{held} held</span>}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function LiveMark() {
  const state = useLiveState();
  const live = state === "live";
  return (
    <p className={`live ${live ? "ink-good" : "ink-warn"}`} role="status">
      <Icon name={live ? "check" : "running"} size={13} />
      {state}
    </p>
  );
}

const THEMES: [Theme, IconName, string][] = [
  ["system", "system", "as the system"],
  ["light", "sun", "light"],
  ["dark", "moon", "dark"],
];
function ThemeSwitch() {
  const theme = useTheme();
  return (
    <div role="group" aria-label="Theme" className="theme-switch">
      {THEMES.map(([value, icon, label]) => (
        <button
          key={value}
          type="button"
          aria-pressed={theme === value}
          onClick={() => setTheme(value)}
          aria-label={`Theme: ${label}`}
          title={label}
        >
          <Icon name={icon} size={14} />
        </button>
      ))}
    </div>
  );
}

function Caller() {
  const caller = useQuery(projectQuery()).data?.caller;
  if (!caller) return null;
  const leave = () => void signOut().then(() => location.assign("/"));
  return (
    <p className="caller small">
      <Icon name="person" />
      <span title={`role: ${caller.role}`}>
        {caller.actor} <span className="faint">· {caller.role}</span>
      </span>
      {caller.signed_in && (
        <button type="button" className="link-button" onClick={leave}>
          Sign out
        </button>
      )}
    </p>
  );
}

function BrokenProject() {
  const project = useQuery(projectQuery()).data;
  if (!project?.problem) return null;
  return (
    <details className="broken">
      <summary>
        <Icon name="warning" /> The project's files have errors ({project.problem.diagnostics.length}). What was read before them
        is served.
      </summary>
      <ProblemView error={new ApiProblem(project.problem)} />
    </details>
  );
}

/** A page that throws must not take the navigation with it. */
class Catch extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };
  static getDerivedStateFromError(error: unknown) {
    return { error };
  }
  override render() {
    if (this.state.error === null) return this.props.children;
    return <ProblemView error={this.state.error} retry={() => location.reload()} />;
  }
}
