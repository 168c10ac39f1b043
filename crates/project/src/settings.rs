//! Reading `lockgate.yml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_types::{AssetName, Diagnostic, Diagnostics};

use crate::alert::{self, AlertEntry};
use crate::asset::Context;
use crate::fields::{guess, one_of};
use crate::schedule::{self, ScheduleEntry};
use crate::shared::gate;
use crate::yaml::{Key, Map, Node, Span, Value};
use crate::{EngineSettings, Fields, GateMode, Keep, KeyDoc, Secret, Source, Var, codes, planned, yaml};

/// The keys of `lockgate.yml`.
pub const PROJECT_KEYS: &[KeyDoc] = &[
    KeyDoc { key: "name", kind: "string", default: "", text: "The project's name. The only required key." },
    KeyDoc {
        key: "store",
        kind: "string",
        default: "./store",
        text: "The folder that holds the tables, relative to the project or absolute.",
    },
    KeyDoc {
        key: "catalog",
        kind: "string",
        default: "sqlite",
        text: "Where versions, runs and decisions are recorded: `sqlite` is `.lockgate/catalog.db`.",
    },
    KeyDoc { key: "engine", kind: "map", default: "", text: "Limits of the engine." },
    KeyDoc {
        key: "engine.memory",
        kind: "string",
        default: "60 % of the machine's",
        text: "What the operators may use before they spill to disk, such as `4GB` (10⁹ bytes each) or `4GiB` (2³⁰).",
    },
    KeyDoc { key: "engine.threads", kind: "integer", default: "all cores", text: "How many threads work at once." },
    KeyDoc { key: "engine.scheduler", kind: KeyDoc::NOT_BUILT, default: "", text: "A Ballista cluster to run on." },
    KeyDoc {
        key: "vars",
        kind: "map",
        default: "",
        text: "Variables for SQL: `where ts >= $since`. They are bound with their type, never pasted.",
    },
    KeyDoc {
        key: "vars.*",
        kind: "string | number | boolean",
        default: "",
        text: "The value; its type is the variable's.",
    },
    KeyDoc {
        key: "gate",
        kind: "block | report",
        default: "block",
        text: "What a failed check does where neither the asset, its folders nor the environment says it.",
    },
    KeyDoc {
        key: "environments",
        kind: "map",
        default: "",
        text: "Other settings under a name, chosen with `--env NAME`. Each has its own tables, under `STORE/env/NAME/`.",
    },
    KeyDoc { key: "environments.*", kind: "map", default: "", text: "The settings of one environment." },
    KeyDoc {
        key: "environments.*.vars",
        kind: "map",
        default: "",
        text: "Other values for some of `vars`, of the same type.",
    },
    KeyDoc { key: "environments.*.vars.*", kind: "string | number | boolean", default: "", text: "The value here." },
    KeyDoc {
        key: "environments.*.gate",
        kind: "block | report",
        default: "the project's",
        text: "What a failed check does here, unless the asset or its folders say it.",
    },
    KeyDoc {
        key: "environments.*.connections",
        kind: KeyDoc::NOT_BUILT,
        default: "",
        text: "Other settings for some of `connections`.",
    },
    KeyDoc { key: "groups", kind: "list", default: "", text: "Assets that switch to their new versions together." },
    KeyDoc { key: "groups.*.name", kind: "string", default: "", text: "The group's name." },
    KeyDoc {
        key: "groups.*.assets",
        kind: "string | list of strings",
        default: "",
        text: "Its members: names, `schema`, `schema.*`, `tag:x`, `kind:x`.",
    },
    KeyDoc { key: "connections", kind: KeyDoc::NOT_BUILT, default: "", text: "Databases and object stores to read." },
    KeyDoc {
        key: "schedules",
        kind: "list",
        default: "",
        text: "When what runs, in the environment that `lockgate serve` serves.",
    },
    KeyDoc { key: "schedules.*", kind: "map", default: "", text: "One schedule." },
    KeyDoc {
        key: "schedules.*.name",
        kind: "string",
        default: "",
        text: "Its name, once in the project: `[a-z][a-z0-9_-]*`. Runs that it starts have `schedule:NAME` as their actor.",
    },
    KeyDoc {
        key: "schedules.*.cron",
        kind: "string",
        default: "",
        text: "When it is due: minute, hour, day of the month, month, day of the week, such as `0 5 * * *`. Where the \
               clocks change, a time that is left out is due when they jump, a time that comes twice is due once; `*` as the \
               hour goes by the time that passes.",
    },
    KeyDoc {
        key: "schedules.*.timezone",
        kind: "string",
        default: "UTC",
        text: "The time zone that `cron` goes by, as IANA names it: `Europe/Berlin`.",
    },
    KeyDoc {
        key: "schedules.*.select",
        kind: "string | list of strings",
        default: "everything",
        text: "What it runs: selectors, as `lockgate run` takes them.",
    },
    KeyDoc {
        key: "schedules.*.exclude",
        kind: "string | list of strings",
        default: "",
        text: "What it leaves out, as `--exclude` does.",
    },
    KeyDoc {
        key: "schedules.*.catch_up",
        kind: "none | last | all",
        default: "last",
        text: "What becomes of the times at which it was due while no server ran: they are passed over, the last one is run, \
               or each is, one after the other.",
    },
    KeyDoc {
        key: "schedules.*.jitter",
        kind: "string",
        default: "0",
        text: "It starts up to so much later than it is due, by chance: `2m`. At most a day.",
    },
    KeyDoc { key: "schedules.*.paused", kind: "boolean", default: "false", text: "Whether it stands still." },
    KeyDoc { key: "schedules.*.deadline", kind: KeyDoc::NOT_BUILT, default: "", text: "When it must be done." },
    KeyDoc { key: "triggers", kind: KeyDoc::NOT_BUILT, default: "", text: "What runs when something happens." },
    KeyDoc {
        key: "alerts",
        kind: "list",
        default: "",
        text: "Who is told of what, by `lockgate serve`. A message may come twice (after a crash, or when an answer is lost), \
               then with the same `Idempotency-Key`; one that cannot be delivered is tried again for up to a day.",
    },
    KeyDoc { key: "alerts.*", kind: "map", default: "", text: "One alert." },
    KeyDoc {
        key: "alerts.*.when",
        kind: "held | failed | late | list of strings",
        default: "all three",
        text: "Of what it tells: a version is held, a task failed after its retries, an asset became late.",
    },
    KeyDoc {
        key: "alerts.*.to",
        kind: "string",
        default: "",
        text: "An `http` or `https` URL, most often `${SLACK_URL}`. It is a secret: only its host is ever shown, and nothing of \
               what `${…}` stands for.",
    },
    KeyDoc {
        key: "alerts.*.type",
        kind: "slack | webhook",
        default: "webhook",
        text: "What is sent there: a message for Slack, or Lockgate's own JSON.",
    },
    KeyDoc {
        key: "alerts.*.select",
        kind: "string | list of strings",
        default: "everything",
        text: "The assets it is about: names, `schema`, `schema.*`, `tag:x`, `kind:x`. Without it, runs that fail as a whole \
               are told too.",
    },
    KeyDoc {
        key: "keep",
        kind: "map",
        default: "everything",
        text: "What `lockgate gc` may expire: versions that are no longer live and fall outside every limit given here.",
    },
    KeyDoc {
        key: "keep.versions",
        kind: "integer",
        default: "",
        text: "The newest so many published versions of an asset are kept, the live one among them.",
    },
    KeyDoc {
        key: "keep.days",
        kind: "integer",
        default: "",
        text: "Versions are kept for so many days after they stopped being live, or were dismissed.",
    },
];

/// `lockgate.yml`, read for one environment.
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) environment: String,
    pub(crate) store: String,
    pub(crate) catalog: Secret,
    pub(crate) engine: EngineSettings,
    pub(crate) vars: BTreeMap<String, Var>,
    pub(crate) gate: Option<GateMode>,
    pub(crate) groups: Vec<GroupEntry>,
    pub(crate) schedules: Vec<ScheduleEntry>,
    pub(crate) alerts: Vec<AlertEntry>,
    pub(crate) keep: Keep,
}

/// A group as it is written.
pub(crate) struct GroupEntry {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) members: Vec<Node>,
}

const DEFAULT_ENVIRONMENT: &str = "default";

/// `None` when the file cannot be read as settings at all, or has no such environment.
pub(crate) fn read(source: &Arc<Source>, environment: Option<&str>, cx: &mut Context<'_>) -> Option<Settings> {
    let mut map = yaml::settings(source, &source.text, 1, "the settings", &mut cx.diagnostics)?;
    let environment = environment.unwrap_or(DEFAULT_ENVIRONMENT);
    let written = alert::written(&map, cx);
    resolve(&mut map, environment, source, cx);
    let mut fields = Fields::new(&map, source, PROJECT_KEYS, &mut cx.diagnostics);
    let name = name(&mut fields);
    let store = store(&mut fields);
    let catalog = catalog(&mut fields);
    let engine = engine(&mut fields);
    let mut vars = fields.inside("vars").map(vars).unwrap_or_default();
    let mut gate = gate(&mut fields);
    let chosen = environments(&mut fields, environment, &vars);
    let groups = groups(&mut fields);
    let schedules = schedule::read(&mut fields);
    let alerts = alert::read(&mut fields, &written);
    let keep = keep(&mut fields);
    fields.finish();
    if let Some(chosen) = chosen {
        vars.extend(chosen.vars);
        gate = chosen.gate.or(gate);
    } else if environment != DEFAULT_ENVIRONMENT {
        return None;
    }
    let environment = environment.to_owned();
    Some(Settings { name, environment, store, catalog, engine, vars, gate, groups, schedules, alerts, keep })
}

/// Resolves `${…}` where it counts: not in other environments, not in vars that this environment replaces, and not
/// under keys that are refused anyway.
fn resolve(map: &mut Map, environment: &str, source: &Source, cx: &mut Context<'_>) {
    let replaced: Vec<String> = map
        .get("environments")
        .and_then(|node| node.as_map()?.get(environment)?.as_map()?.get("vars")?.as_map())
        .map(|vars| vars.entries.iter().map(|(key, _)| key.text.clone()).collect())
        .unwrap_or_default();
    let is_built = |key: &Key| PROJECT_KEYS.iter().any(|doc| doc.key == key.text && doc.kind != KeyDoc::NOT_BUILT);
    for (key, node) in map.entries.iter_mut().filter(|(key, _)| is_built(key)) {
        let skips = |inner: &Key| match key.text.as_str() {
            "environments" => inner.text != environment,
            "vars" => replaced.contains(&inner.text),
            _ => false,
        };
        match &mut node.value {
            Value::Map(inner) => {
                for (_, node) in inner.entries.iter_mut().filter(|(key, _)| !skips(key)) {
                    cx.resolver.resolve(node, source, &mut cx.diagnostics);
                }
            }
            _ => cx.resolver.resolve(node, source, &mut cx.diagnostics),
        }
    }
}

fn name(fields: &mut Fields<'_>) -> String {
    let node = fields.node("name");
    let Some(node) = node else {
        let error = fields.missing("name", Span { line: 1, column: 1, length: 1 });
        error.expected = Some("the project's name, such as `name: grid`".to_owned());
        return String::new();
    };
    let name = fields.string("name").unwrap_or_default();
    if node.as_str().is_some() && (name.trim().is_empty() || name.contains('\n')) {
        fields.error(node.span, &codes::WRONG_VALUE, "a project's name is one line of text");
    }
    name
}

fn store(fields: &mut Fields<'_>) -> String {
    let Some(node) = fields.node("store") else { return "./store".to_owned() };
    let store = fields.string("store").unwrap_or_default();
    if planned::STORES.iter().any(|start| store.starts_with(start)) {
        let scheme = store.split("://").next().unwrap_or_default();
        let error = planned::not_built(&format!("a store on `{scheme}://`"), fields.source().place(node.span));
        fields.diagnostics().push(error.hint("name a local folder, such as ./store"));
    } else if store.contains("://") || (node.as_str().is_some() && store.trim().is_empty()) {
        let error = fields.error(node.span, &codes::WRONG_VALUE, format!("`store` cannot be `{store}`"));
        error.expected = Some("a folder, such as ./store".to_owned());
    }
    store
}

fn catalog(fields: &mut Fields<'_>) -> Secret {
    let Some(node) = fields.node("catalog") else { return Secret::new("sqlite") };
    let catalog = fields.string("catalog").unwrap_or_default();
    if planned::CATALOGS.iter().any(|start| catalog.starts_with(start)) {
        let error = planned::not_built("a catalog on Postgres", fields.source().place(node.span));
        fields.diagnostics().push(error.hint("`catalog: sqlite` needs no server"));
    } else if node.as_str().is_some() && catalog != "sqlite" {
        // A URL may carry a password: it is not repeated.
        let error = fields.error(node.span, &codes::WRONG_VALUE, "this catalog is not known");
        error.expected = Some("sqlite".to_owned());
    }
    Secret::new(catalog)
}

fn engine(fields: &mut Fields<'_>) -> EngineSettings {
    let Some(mut fields) = fields.inside("engine") else { return EngineSettings::default() };
    let mut settings = EngineSettings::default();
    if let Some(node) = fields.node("memory") {
        match node.scalar_text().as_deref().map(size_bytes) {
            Some(Ok(bytes)) => settings.memory_bytes = Some(bytes),
            Some(Err(reason)) => {
                fields.error(node.span, &codes::WRONG_VALUE, reason).expected =
                    Some("a size with its unit, such as 4GB, 512MB or 4GiB".to_owned());
            }
            None => {
                fields.wrong_type("memory", node, "a size with its unit, such as 4GB");
            }
        }
    }
    if let Some(threads) = fields.integer("threads") {
        match usize::try_from(threads) {
            Ok(threads @ 1..=1024) => settings.threads = Some(threads),
            _ => {
                let span = fields.node("threads").map(|node| node.span).unwrap_or_default();
                fields.error(span, &codes::WRONG_VALUE, format!("`threads` is {threads}")).expected =
                    Some("1 to 1024".to_owned());
            }
        }
    }
    fields.finish();
    settings
}

/// Reads `4GB` (powers of ten) and `4GiB` (powers of two).
fn size_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| c.is_alphabetic() || c == '%').unwrap_or(text.len()));
    let factor: u64 = match unit.trim().to_lowercase().as_str() {
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        "" => return Err(format!("the size `{text}` has no unit")),
        _ => return Err(format!("`{unit}` is no unit of size")),
    };
    let number: f64 = number.trim().parse().map_err(|_| format!("`{text}` is no size"))?;
    #[allow(clippy::cast_precision_loss)]
    let bytes = number * factor as f64;
    if !(1.0..=1e18).contains(&bytes) {
        return Err(format!("the size `{text}` is out of range"));
    }
    // In range, see above; a fraction of a byte does not matter.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Ok(bytes as u64)
}

/// More would be for ever.
const KEEP_DAYS_MAX: u64 = 36_500;

fn keep(fields: &mut Fields<'_>) -> Keep {
    let Some(mut fields) = fields.inside("keep") else { return Keep::default() };
    let keep = Keep { versions: fields.integer("versions"), days: fields.integer("days") };
    if let Some(days) = keep.days.filter(|days| *days > KEEP_DAYS_MAX) {
        let span = fields.node("days").map(|node| node.span).unwrap_or_default();
        fields.error(span, &codes::WRONG_VALUE, format!("`days` is {days}")).expected =
            Some(format!("0 to {KEEP_DAYS_MAX}; without it, age does not count"));
    }
    fields.finish();
    keep
}

/// Reads a map of vars; those that are wrong are reported and left out.
fn vars(mut fields: Fields<'_>) -> BTreeMap<String, Var> {
    let mut vars = BTreeMap::new();
    for (key, node) in &fields.map().entries {
        let name = key.text.as_str();
        let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
        if !is_name {
            let error = fields.error(key.span, &codes::WRONG_VALUE, format!("`{name}` is no name of a variable"));
            error.expected = Some("lowercase letters, digits and `_`, so that SQL can say `$name`".to_owned());
        } else if name == "run_at" {
            let error = fields.error(key.span, &codes::WRONG_VALUE, "`run_at` is taken");
            error.hint = Some("`$run_at` is the run's logical time in all SQL: choose another name".to_owned());
        } else if let Some(var) = var(&mut fields, name, node) {
            vars.insert(name.to_owned(), var);
        }
    }
    vars
}

fn var(fields: &mut Fields<'_>, name: &str, node: &Node) -> Option<Var> {
    let var = match &node.value {
        Value::Bool(value) => Some(Var::Bool(*value)),
        Value::String(text) => Some(Var::String(text.clone())),
        Value::Number(_) => match node.as_integer() {
            Some(value) => i64::try_from(value).ok().map(Var::Integer),
            None => node.as_f64().map(Var::Double),
        },
        Value::Null | Value::List(_) | Value::Map(_) => None,
    };
    if var.is_none() {
        fields.wrong_type(name, node, "a string, a number within 64 bits, or a boolean");
    }
    var
}

struct Chosen {
    vars: BTreeMap<String, Var>,
    gate: Option<GateMode>,
}

/// Reads all environments, and answers the chosen one.
fn environments(fields: &mut Fields<'_>, chosen: &str, base: &BTreeMap<String, Var>) -> Option<Chosen> {
    let base_keys: Vec<&str> = fields
        .map()
        .get("vars")
        .and_then(Node::as_map)
        .map(|map| map.entries.iter().map(|(key, _)| key.text.as_str()).collect())
        .unwrap_or_default();
    let (source, map) = (fields.source(), fields.map());
    let mut found = None;
    let mut names = Vec::new();
    if let Some(mut environments) = fields.inside("environments") {
        for (key, _) in &environments.map().entries {
            let name = key.text.as_str();
            names.push(name.to_owned());
            if name == DEFAULT_ENVIRONMENT {
                let error = environments.error(key.span, &codes::WRONG_VALUE, "the environment `default` is taken");
                error.hint = Some("its settings are those of the top level".to_owned());
            } else if let Err(error) = AssetName::check_part(name) {
                environments.error(key.span, &codes::WRONG_VALUE, error.to_string()).hint =
                    Some("it becomes the name of a folder in the store".to_owned());
            }
            let Some(mut environment) = environments.inside(name) else { continue };
            let gate = gate(&mut environment);
            let inner = environment.inside("vars");
            let is_chosen = name == chosen;
            let vars = inner.map(|inner| overrides(inner, &base_keys, base, is_chosen)).unwrap_or_default();
            environment.finish();
            if is_chosen {
                found = Some(Chosen { vars, gate });
            }
        }
    }
    if found.is_none() && chosen != DEFAULT_ENVIRONMENT && !names.iter().any(|name| name == chosen) {
        let message = format!("there is no environment `{chosen}`");
        let key = map.key("environments").map(|key| key.span).unwrap_or_default();
        let mut error = Diagnostic::error(&codes::UNKNOWN_ENVIRONMENT, message).at(source.place(key));
        let known = || names.iter().map(String::as_str).chain([DEFAULT_ENVIRONMENT]);
        error.hint = guess(chosen, known());
        error.expected = one_of(known());
        fields.diagnostics().push(error);
    }
    found
}

/// Vars in place of the project's, of an environment or of a unit test: known ones, of the same type.
pub(crate) fn overrides(
    fields: Fields<'_>,
    base_keys: &[&str],
    base: &BTreeMap<String, Var>,
    is_resolved: bool,
) -> BTreeMap<String, Var> {
    let (map, source) = (fields.map(), fields.source());
    let mut diagnostics = Diagnostics::default();
    let mut read = vars(Fields::new(map, source, PROJECT_KEYS, &mut diagnostics));
    for (key, node) in &map.entries {
        let name = key.text.as_str();
        if !base_keys.contains(&name) {
            let message = format!("`{name}` is none of the project's `vars`");
            let mut error = Diagnostic::error(&codes::UNKNOWN_KEY, message).at(source.place(key.span));
            error.hint = guess(name, base_keys.iter().copied())
                .or_else(|| Some("give it a value there too: the default environment needs one".to_owned()));
            diagnostics.push(error);
            continue;
        }
        let is_open = !is_resolved && node.as_str().is_some_and(|text| text.contains("${"));
        let (Some(ours), Some(theirs)) = (read.get(name), base.get(name)) else { continue };
        #[allow(clippy::cast_precision_loss)]
        match (theirs, ours) {
            (Var::Double(_), Var::Integer(value)) => {
                let value = Var::Double(*value as f64);
                read.insert(name.to_owned(), value);
            }
            _ if is_open || std::mem::discriminant(ours) == std::mem::discriminant(theirs) => {}
            _ => {
                let message = format!("`{name}` is {} here, and {} in `vars`", ours.describe(), theirs.describe());
                let error = Diagnostic::error(&codes::WRONG_TYPE, message).at(source.place(node.span));
                diagnostics.push(error.hint("a variable has one type in all environments"));
            }
        }
    }
    let mut fields = fields;
    fields.diagnostics().extend(diagnostics);
    read
}

fn groups(fields: &mut Fields<'_>) -> Vec<GroupEntry> {
    let source = fields.source();
    let mut groups: Vec<GroupEntry> = Vec::new();
    for (item, map) in items_of(fields, "groups", "{ name: …, assets: [ … ] }", "a map with `name` and `assets`") {
        let mut entry = Fields::at(map, source, PROJECT_KEYS, "groups.*", fields.diagnostics());
        let name_node = entry.required("name", item.span);
        let name = name_node.and_then(|_| entry.string("name"));
        let members = entry.required("assets", item.span).and_then(|_| entry.strings("assets"));
        if let (Some(name), Some(node)) = (&name, name_node)
            && groups.iter().any(|group| group.name == *name)
        {
            entry.error(node.span, &codes::GROUP, format!("there are two groups `{name}`"));
        }
        let nodes = entry.node("assets").map(|node| match node.as_list() {
            Some(items) => items.to_vec(),
            None => vec![node.clone()],
        });
        entry.finish();
        if let (Some(name), Some(_), Some(members)) = (name, members, nodes) {
            let span = name_node.map_or(item.span, |node| node.span);
            groups.push(GroupEntry { name, span, members });
        }
    }
    groups
}

/// The maps of the list under `key`; what is none is reported.
pub(crate) fn items_of<'a>(fields: &mut Fields<'a>, key: &str, form: &str, expected: &str) -> Vec<(&'a Node, &'a Map)> {
    let Some(node) = fields.node(key) else { return Vec::new() };
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        Value::Null => &[],
        _ => {
            fields.wrong_type(key, node, &format!("a list of `{form}`"));
            return Vec::new();
        }
    };
    let mut maps = Vec::with_capacity(items.len());
    for item in items {
        match item.as_map() {
            Some(map) => maps.push((item, map)),
            None => {
                fields.wrong_entry(key, item, expected);
            }
        }
    }
    maps
}
