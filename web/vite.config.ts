import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "/",
  plugins: [react()],
  build: {
    outDir: "dist",
    // Not `assets`: that is where the pages of assets live.
    assetsDir: "static",
    manifest: true,
    // Nothing is inlined as data: or blob:, the content security policy allows neither for scripts and workers.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  server: { proxy: { "/api": "http://127.0.0.1:7700", "/graphql": "http://127.0.0.1:7700" } },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
});
