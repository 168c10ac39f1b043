// Every page, with its address. Each is its own chunk, loaded when it is first shown.
import type { IconName } from "./icons/icon";
import { route } from "./router/router";

export const routes = [
  route("/", () => import("./pages/overview")),
  route("/gates/:name", () => import("./pages/gate")),
  route("/assets", () => import("./pages/assets")),
  route("/assets/:name", () => import("./pages/asset")),
  route("/lineage", () => import("./pages/lineage")),
  route("/runs", () => import("./pages/runs")),
  route("/runs/:id", () => import("./pages/run")),
  route("/query", () => import("./pages/query")),
  route("/audit", () => import("./pages/audit")),
  route("/settings", () => import("./pages/settings")),
];

/** What the navigation shows; `key` is pressed after `g`. */
export const places: { path: string; label: string; icon: IconName; key: string }[] = [
  { path: "/", label: "Overview", icon: "overview", key: "o" },
  { path: "/assets", label: "Assets", icon: "assets", key: "a" },
  { path: "/lineage", label: "Lineage", icon: "lineage", key: "l" },
  { path: "/runs", label: "Runs", icon: "runs", key: "r" },
  { path: "/query", label: "Query", icon: "query", key: "q" },
  { path: "/audit", label: "Audit log", icon: "audit", key: "u" },
  { path: "/settings", label: "Settings", icon: "settings", key: "s" },
];
