// Light, dark, or what the system prefers. public/theme.js applies a stored choice before the first paint.
import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
const KEY = "lockgate.theme";
const watchers = new Set<() => void>();

const current = (): Theme => {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
};
export function setTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage can be forbidden; the choice then lasts as long as the page.
  }
  for (const watcher of watchers) watcher();
}
export const useTheme = (): Theme =>
  useSyncExternalStore((watcher) => {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }, current);
