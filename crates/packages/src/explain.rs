//! Why versions cannot be had together, in sentences.

use pep440_rs::Version;
use pubgrub::{DerivationTree, External, Ranges};

use crate::Knowledge;
use crate::resolve::Package;

/// The most sentences of one explanation.
const MOST: usize = 12;

type Tree = DerivationTree<Package, Ranges<Version>, String>;

/// The facts that a contradiction follows from, each once, in the order in which they lead to it.
pub(crate) fn sentences(tree: &Tree, known: &Knowledge) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut waiting = vec![tree];
    while let Some(tree) = waiting.pop() {
        match tree {
            DerivationTree::Derived(derived) => {
                waiting.extend([&*derived.cause2, &*derived.cause1]);
            }
            DerivationTree::External(fact) => {
                let sentence = sentence(fact, known);
                sentences.extend(sentence.filter(|sentence| !sentences.contains(sentence)));
            }
        }
        if sentences.len() >= MOST {
            break;
        }
    }
    sentences
}

fn sentence(
    fact: &External<Package, Ranges<Version>, String>,
    known: &Knowledge,
) -> Option<String> {
    match fact {
        External::NotRoot(..) => None,
        External::NoVersions(package, range) => Some(missing(package, range, known)),
        External::FromDependencyOf(Package::Roots, _, package, range) => {
            Some(format!("{package} {} is asked for", shown(range)))
        }
        // That an extra needs its own package is nothing to tell.
        External::FromDependencyOf(
            Package::Named { name, extra: Some(_) },
            _,
            Package::Named { name: required, extra: None },
            _,
        ) if name == required => None,
        External::FromDependencyOf(package, versions, required, range) => {
            Some(format!("{package} {} requires {required} {}", shown(versions), shown(range)))
        }
        External::Custom(package, versions, reason) => {
            Some(format!("{package} {} {reason}", shown(versions)))
        }
    }
}

fn missing(package: &Package, range: &Ranges<Version>, known: &Knowledge) -> String {
    let Package::Named { name, .. } = package else { return format!("{package} does not exist") };
    let Some(Some(listing)) = known.listing(name) else {
        return format!("the package index has no package {name}");
    };
    let mut releases = listing.releases().rev().filter(|(version, _)| range.contains(version));
    match releases.next() {
        None => format!("there is no {name} {}", shown(range)),
        Some((version, Err(reason))) => format!("{name} {version} {reason}"),
        Some((version, Ok(candidate))) if candidate.yanked.is_some() => {
            format!("{name} {version} was withdrawn by its author")
        }
        Some((version, Ok(_))) => {
            format!("{name} {version} is a preview, used only where it is asked for itself")
        }
    }
}

fn shown(range: &Ranges<Version>) -> String {
    if *range == Ranges::full() { "(every release)".to_owned() } else { range.to_string() }
}
