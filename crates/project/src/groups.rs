//! Groups: the assets that their words mean.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockgate_types::{AssetName, Diagnostic, Diagnostics};

use crate::selector::{self, SelectorAsset};
use crate::settings::GroupEntry;
use crate::yaml::Node;
use crate::{AssetFile, Group, Load, Source, codes};

/// What a selection in `lockgate.yml` may name. Assets that are broken count as there, with nothing known but the name.
pub(crate) fn candidates(
    assets: &BTreeMap<AssetName, Arc<AssetFile>>,
    broken: &BTreeSet<AssetName>,
) -> Vec<SelectorAsset> {
    let candidate = |name: &AssetName, tags: &[String], kind: &str| SelectorAsset {
        name: name.clone(),
        tags: tags.to_vec(),
        kind: kind.to_owned(),
        inputs: Vec::new(),
        changed: false,
    };
    let known = assets.values().map(|asset| candidate(&asset.name, &asset.tags, &asset.kind));
    known.chain(broken.iter().map(|name| candidate(name, &[], ""))).collect()
}

/// Finds the members of each group. Assets that are broken are left out.
pub(crate) fn read(
    entries: &[GroupEntry],
    source: &Arc<Source>,
    candidates: &[SelectorAsset],
    assets: &BTreeMap<AssetName, Arc<AssetFile>>,
    broken: &BTreeSet<AssetName>,
    diagnostics: &mut Diagnostics,
) -> Vec<Group> {
    let mut taken: BTreeMap<AssetName, &str> = BTreeMap::new();
    let mut groups = Vec::new();
    for entry in entries {
        let place = source.place(entry.span);
        if entry.members.is_empty() {
            let error = Diagnostic::error(&codes::GROUP, format!("the group `{}` is empty", entry.name));
            diagnostics.push(error.at(place.clone()));
        }
        let mut members = BTreeSet::new();
        for word in &entry.members {
            match select(word, candidates, !broken.is_empty()) {
                Ok(names) => members.extend(stored(word, names, source, assets, diagnostics)),
                Err(errors) => diagnostics.extend(errors.into_iter().map(|error| error.at(source.place(word.span)))),
            }
        }
        for name in &members {
            if let Some(other) = taken.insert(name.clone(), &entry.name)
                && other != entry.name
            {
                let message = format!("`{name}` is in the groups `{other}` and `{}`", entry.name);
                let error = Diagnostic::error(&codes::GROUP, message).at(place.clone());
                diagnostics.push(error.hint("an asset switches with one group: join the two, or take it out of one"));
            }
        }
        groups.push(Group { name: entry.name.clone(), members: members.into_iter().collect(), place });
    }
    groups
}

fn select(
    word: &Node,
    candidates: &[SelectorAsset],
    some_are_broken: bool,
) -> Result<BTreeSet<AssetName>, Diagnostics> {
    let words = [word.as_str().unwrap_or_default().to_owned()];
    let selector = selector::parse(&words, &[])?;
    if selector.follows_graph() {
        let message = format!("`{}` cannot define a group", words[0]);
        let error = Diagnostic::error(&codes::GROUP, message);
        return Err(error.expected("names, `schema`, `schema.*`, `tag:x` or `kind:x`").into());
    }
    match selector.select(candidates) {
        // What was meant may be an asset whose tags could not be read.
        Err(_) if some_are_broken && words[0].contains(':') => Ok(BTreeSet::new()),
        result => result,
    }
}

/// Without broken assets and inline ones; an inline one that is named is an error.
fn stored(
    word: &Node,
    names: BTreeSet<AssetName>,
    source: &Source,
    assets: &BTreeMap<AssetName, Arc<AssetFile>>,
    diagnostics: &mut Diagnostics,
) -> Vec<AssetName> {
    let mut stored = Vec::new();
    for name in names {
        match assets.get(&name).map(|asset| &asset.load) {
            None => {}
            Some(Load::Inline) if word.as_str() == Some(name.to_string().as_str()) => {
                let message = format!("`{name}` is `load: inline`: it has no versions that could switch");
                diagnostics.push(Diagnostic::error(&codes::GROUP, message).at(source.place(word.span)));
            }
            Some(Load::Inline) => {}
            Some(_) => stored.push(name),
        }
    }
    stored
}
