//! An import goes only downwards.

use super::Member;

/// DESIGN.md, section 6, from the bottom up. A crate may import those of a lower level.
const LEVELS: &[(&[&str], Reach)] = &[
    (&["types", "series"], Reach::All),
    (&["project"], Reach::All),
    (&["catalog"], Reach::All),
    (&["lake"], Reach::All),
    (&["engine"], Reach::All),
    (&["checks"], Reach::All),
    (&["kind"], Reach::All),
    (&["connect", "transform", "forecast", "learn", "document", "release"], Reach::Binary),
    (&["run"], Reach::All),
    (&["govern", "watch", "wire"], Reach::All),
    (&["server"], Reach::All),
    (&["lockgate"], Reach::All),
];

/// Who may import a crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Whatever stands above it.
    All,
    /// A kind: only who lists the kinds (and tests), or `run` would come to know one.
    Binary,
}

/// What is heavy to build, or would bind a crate to one engine, and who may name it.
const KEPT_TO: &[(&str, &[&str])] = &[
    ("datafusion", &["lake", "engine", "wire"]),
    ("delta_kernel", &["lake", "engine"]),
    ("deltalake", &["lake", "engine"]),
    ("sqlx", &["catalog", "connect"]),
    ("clap", &["lockgate"]),
    ("indicatif", &["lockgate"]),
    ("anyhow", &["lockgate", "xtask"]),
];

pub(super) fn check(members: &[Member]) -> Vec<String> {
    let level = |short: &str| LEVELS.iter().position(|(names, _)| names.contains(&short));
    let mut broken = Vec::new();
    for member in members {
        let short = member.short();
        for (heavy, owners) in KEPT_TO {
            let names = |name: &str| {
                name == *heavy || name.strip_prefix(heavy).is_some_and(|rest| rest.starts_with(['-', '_']))
            };
            if !owners.contains(&short) && member.dependencies.iter().any(|dependency| names(&dependency.name)) {
                broken.push(format!("layers: {short} imports {heavy}, which is kept to {}", owners.join(" and ")));
            }
        }
        if short == "xtask" {
            let own = member.dependencies.iter().filter(|dependency| dependency.name.starts_with("lockgate"));
            broken.extend(own.map(|d| format!("layers: xtask imports {}: it uses the binary, as people do", d.name)));
            continue;
        }
        let Some(own) = level(short) else {
            broken.push(format!("layers: {short} has no level; give it one in xtask/src/tidy/layers.rs"));
            continue;
        };
        for dependency in &member.dependencies {
            let Some(imported) = dependency.name.strip_prefix("lockgate-") else { continue };
            let Some(other) = level(imported) else { continue };
            // A crate's own tests may ask it for a feature of its own.
            if dependency.name == member.name {
                continue;
            }
            if other >= own {
                broken.push(format!("layers: {short} imports {imported}, which does not stand below it"));
            } else if LEVELS[other].1 == Reach::Binary
                && !["lockgate", "server"].contains(&short)
                && !dependency.is_for_tests
            {
                broken.push(format!("layers: {short} imports {imported}: only the binary knows the kinds"));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::Dependency;
    use super::*;

    fn member(name: &str, dependencies: &[&str]) -> Member {
        let dependency =
            |name: &&str| Dependency { name: (*name).to_owned(), local: (*name).to_owned(), is_for_tests: false };
        Member {
            name: name.to_owned(),
            folder: PathBuf::new(),
            dependencies: dependencies.iter().map(dependency).collect(),
        }
    }

    #[test]
    fn down_is_fine() {
        let crates = [
            member("lockgate-run", &["lockgate-types", "lockgate-kind", "serde"]),
            member("lockgate", &["lockgate-connect"]),
        ];
        assert!(check(&crates).is_empty());
    }

    #[test]
    fn up_sideways_and_kinds_are_not() {
        assert_eq!(check(&[member("lockgate-lake", &["lockgate-engine"])]).len(), 1);
        assert_eq!(check(&[member("lockgate-connect", &["lockgate-transform"])]).len(), 1);
        assert_eq!(check(&[member("lockgate-run", &["lockgate-connect"])]).len(), 1);
        assert_eq!(check(&[member("lockgate-run", &["datafusion-expr"])]).len(), 1);
        assert_eq!(check(&[member("lockgate-new", &[])]).len(), 1);
        assert_eq!(check(&[member("xtask", &["lockgate-types"])]).len(), 1);
    }
}
