// The page at /graphql: a browser of the schema, an editor, the result. No library, nothing from elsewhere.
"use strict";

const at = (id) => document.getElementById(id);
const KEPT = "lockgate.graphql";
const TYPE = "name kind ofType { name kind ofType { name kind ofType { name kind } } }";
/** Indentation of one level. */
const STEP = "  ";

/** Asks the server; answers `{ status, body, ms }`, whatever it says. */
async function ask(query, variables) {
  const started = performance.now();
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    credentials: "same-origin",
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = { errors: [{ message: text || response.statusText }] };
  }
  return { status: response.status, body, ms: Math.round(performance.now() - started) };
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** `[raw__planes!]!` and the like. */
function written(type) {
  if (type.kind === "NON_NULL") return `${written(type.ofType)}!`;
  if (type.kind === "LIST") return `[${written(type.ofType)}]`;
  return type.name;
}

function named(type) {
  return type.ofType ? named(type.ofType) : type;
}

const isObject = (type) => named(type).kind === "OBJECT";

// ── the schema ────────────────────────────────────────────────────────────────────────────────────────────────────

let fields = [];

async function loadTables() {
  const answer = await ask(`{ __schema { queryType { fields { name description args { name description type { ${TYPE} } } type { ${TYPE} } } } } }`);
  if (answer.status === 401) {
    status("Sign in first.", true);
    at("type").replaceChildren(element("p", {}, "This server asks who you are. ", element("a", { href: "/" }, "Sign in"), ", then come back."));
    return;
  }
  fields = answer.body.data?.__schema?.queryType?.fields ?? [];
  showTables();
  const first = fields.find((field) => isObject(field.type));
  if (first) await showField(first);
  const kept = remembered();
  if (kept.query) {
    at("query").value = kept.query;
    at("variables").value = kept.variables ?? "";
  } else if (first) {
    at("query").value = await example(first);
  } else {
    status("The project has no tables yet: `lockgate run` builds and publishes them.");
  }
}

function showTables() {
  const wanted = at("filter").value.trim().toLowerCase();
  const found = fields.filter((field) => field.name.toLowerCase().includes(wanted));
  const items = found.slice(0, 500).map((field) =>
    element("li", {}, element("button", { type: "button", className: "link", title: field.description ?? "", onclick: () => showField(field) }, field.name)));
  if (found.length === 0) items.push(element("li", { className: "quiet" }, fields.length ? "No table has this in its name." : "No tables yet."));
  if (found.length > 500) items.push(element("li", { className: "quiet" }, `and ${found.length - 500} more: filter them`));
  at("tables").replaceChildren(...items);
}

const types = new Map();

/** Type by name, asked for once. */
async function type(name) {
  if (!types.has(name)) {
    const query = `query ($name: String!) { __type(name: $name) { name kind description fields { name description args { name description type { ${TYPE} } } type { ${TYPE} } } } }`;
    const inputs = `query ($name: String!) { __type(name: $name) { inputFields { name description type { ${TYPE} } } enumValues { name description } } }`;
    const [output, input] = await Promise.all([ask(query, { name }), ask(inputs, { name })]);
    types.set(name, { ...output.body.data?.__type, ...input.body.data?.__type });
  }
  return types.get(name);
}

async function showField(field) {
  for (const button of at("tables").querySelectorAll("button")) {
    if (button.textContent === field.name) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  await showType(named(field.type).name, field);
}

async function showType(name, field) {
  const found = await type(name);
  const parts = [element("h2", {}, field?.name ?? name)];
  const about = field?.description ?? found.description;
  if (about) parts.push(element("p", { className: "quiet" }, about));
  if (field && isObject(field.type)) {
    const use = element("button", { type: "button", onclick: async () => { at("query").value = await example(field); at("query").focus(); } }, "Use as the query");
    parts.push(element("p", {}, use));
  }
  if (field?.args?.length) parts.push(element("p", {}, "Arguments"), list(field.args));
  const inner = found.fields ?? found.inputFields ?? [];
  if (inner.length) parts.push(element("p", {}, found.fields ? "Fields" : "Takes"), list(inner));
  if (found.enumValues?.length) parts.push(element("p", {}, "One of"), element("ul", {}, ...found.enumValues.map((value) => element("li", { className: "name" }, value.name))));
  at("type").replaceChildren(...parts);
}

function list(entries) {
  return element("ul", {}, ...entries.map((entry) => {
    const of = named(entry.type);
    const leads = of.kind === "OBJECT" || of.kind === "INPUT_OBJECT" || of.kind === "ENUM";
    const kind = leads
      ? element("button", { type: "button", className: "link", onclick: () => showType(of.name) }, written(entry.type))
      : element("span", { className: "of" }, written(entry.type));
    const line = element("li", {}, element("span", { className: "name" }, entry.name), " ", kind);
    if (entry.description) line.append(element("div", { className: "quiet" }, entry.description));
    return line;
  }));
}

/** A query of a table's first columns, or of the groups by its first one. */
async function example(field) {
  const found = await type(named(field.type).name);
  if (field.name.endsWith("_aggregate") && field.args.some((argument) => argument.name === "groupBy")) {
    const group = found.fields.find((inner) => inner.name === "group");
    const columns = await type(named(group.type).name);
    const column = columns.fields[0].name;
    return `{\n${STEP}${field.name}(groupBy: [${column}], limit: 20) {\n${STEP}${STEP}group { ${column} }\n${STEP}${STEP}count\n${STEP}}\n}\n`;
  }
  const plain = (found.fields ?? []).filter((inner) => !isObject(inner.type)).slice(0, 8).map((inner) => inner.name);
  return `{\n${STEP}${field.name}(limit: 20) {\n${plain.map((name) => `${STEP}${STEP}${name}\n`).join("")}${STEP}}\n}\n`;
}

// ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────────

let asked = 0;

async function run() {
  const query = at("query").value;
  let variables;
  try {
    variables = at("variables").value.trim() ? JSON.parse(at("variables").value) : undefined;
  } catch (error) {
    status(`The variables are no JSON: ${error.message}`, true);
    at("variables").focus();
    return;
  }
  remember(query, at("variables").value);
  const turn = ++asked;
  status("Asking …");
  let answer;
  try {
    answer = await ask(query, variables);
  } catch (error) {
    if (turn === asked) status(`The server cannot be reached: ${error.message}`, true);
    return;
  }
  // A later question was asked meanwhile.
  if (turn !== asked) return;
  show(answer.body);
  const first = answer.body.errors?.[0] ?? answer.body.diagnostics?.[0];
  if (first) {
    const { code, hint } = first.extensions ?? first;
    status(`${code ? `${code}: ` : ""}${first.message}${hint ? ` (${hint})` : ""}`, true);
    return;
  }
  const versions = Object.entries(answer.body.extensions?.versions ?? {}).map(([name, number]) => `${name} version ${number}`);
  status([`${answer.ms} ms`, ...versions].join(" · "));
}

function status(text, bad = false) {
  at("status").textContent = text;
  at("status").classList.toggle("bad", bad);
}

/** JSON in colours; text nodes only, so that data is never markup. */
function show(body) {
  const text = JSON.stringify(body, null, 2);
  const parts = document.createDocumentFragment();
  if (text.length > 500_000) {
    parts.append(text);
  } else {
    const pattern = /("(?:\\.|[^"\\])*")(\s*:)?|-?\b\d[\d.eE+-]*|\b(?:true|false|null)\b/g;
    let from = 0;
    for (const match of text.matchAll(pattern)) {
      parts.append(text.slice(from, match.index));
      const kind = match[2] ? "k" : match[1] ? "s" : "n";
      parts.append(element("span", { className: kind }, match[0]));
      from = match.index + match[0].length;
    }
    parts.append(text.slice(from));
  }
  at("result").replaceChildren(parts);
}

function remember(query, variables) {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ query, variables }));
  } catch {
    // A browser that keeps nothing is no reason not to ask.
  }
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

// ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────

let leaving = false;

function keys(event) {
  if (event.isComposing) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
    return;
  }
  if (event.key === "Escape") {
    leaving = true;
    return;
  }
  if (event.key === "Tab" && !leaving && !event.ctrlKey && !event.altKey) {
    event.preventDefault();
    indent(event.target, event.shiftKey);
  } else if (event.key === "Enter") {
    event.preventDefault();
    newLine(event.target);
  }
  if (event.key !== "Shift") leaving = false;
}

/** Puts text in the place of the selection, so that the browser can undo it. */
function insert(area, text) {
  // Old, and the only way that keeps the history of undo.
  if (!document.execCommand("insertText", false, text)) area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
}

function indent(area, back) {
  const { value, selectionStart: start, selectionEnd: end } = area;
  const begin = value.lastIndexOf("\n", start - 1) + 1;
  if (!back && start === end) {
    insert(area, STEP);
    return;
  }
  const lines = value.slice(begin, end).split("\n");
  const moved = lines.map((line) => (back ? line.replace(/^ {1,2}/, "") : STEP + line)).join("\n");
  area.setSelectionRange(begin, end);
  insert(area, moved);
  area.setSelectionRange(begin, begin + moved.length);
}

function newLine(area) {
  const before = area.value.slice(0, area.selectionStart);
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const depth = line.match(/^ */)[0] + (/[{([]\s*$/.test(line) ? STEP : "");
  insert(area, `\n${depth}`);
}

for (const area of [at("query"), at("variables")]) {
  area.addEventListener("keydown", keys);
  area.addEventListener("blur", () => { leaving = false; });
}
at("run").addEventListener("click", run);
at("filter").addEventListener("input", showTables);
at("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(at("result").textContent);
    status("Copied.");
  } catch {
    status("The browser does not let this page copy.", true);
  }
});
at("help-toggle").addEventListener("click", () => {
  const hidden = at("help").toggleAttribute("hidden");
  at("help-toggle").setAttribute("aria-expanded", String(!hidden));
});
loadTables().catch((error) => status(`The schema cannot be read: ${error.message}`, true));
