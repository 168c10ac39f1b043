import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist", "node_modules", "test-results", "src/api/schema.d.ts"] },
  js.configs.recommended,
  ts.configs.recommended,
  a11y.flatConfigs.recommended,
  hooks.configs.flat.recommended,
  {
    rules: {
      // A scrolling region must be reachable by keyboard, so it carries a tab stop.
      "jsx-a11y/no-noninteractive-tabindex": [
        "error",
        { roles: ["region", "tabpanel"], tags: ["time"], allowExpressionValues: true },
      ],
      // A table keeps its roles explicitly, because css that stacks its rows as cards takes the built-in ones away.
      "jsx-a11y/no-redundant-roles": "off",
      "jsx-a11y/no-interactive-element-to-noninteractive-role": "off",
      "jsx-a11y/no-autofocus": "off", // the sign-in page is one field
    },
  },
  {
    files: ["scripts/**", "public/**", "*.config.*"],
    languageOptions: {
      globals: {
        console: "readonly",
        process: "readonly",
        localStorage: "readonly",
        document: "readonly",
        URL: "readonly",
        PerformanceObserver: "readonly",
      },
    },
  },
);
