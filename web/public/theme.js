// Runs before the first paint, so that a theme chosen by hand does not flash the other one. Own file: the CSP allows no inline script.
try {
  const theme = localStorage.getItem("lockgate.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage can be forbidden; then the system's preference stands.
}
