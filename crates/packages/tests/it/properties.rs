//! What holds of every choice of versions, and that no bytes break a reader.

use std::collections::BTreeMap;

use crate::planning::{name, version};
use packages::{Knowledge, Listing, Lock, Metadata, ResolveError, Step, Wheel, resolve};
use proptest::prelude::*;
use serde_json::json;

/// Releases of packages `p0`, `p1` …: each version with the packages it requires and up to which version.
type World = Vec<Vec<Vec<(usize, u64, u64)>>>;

fn worlds() -> impl Strategy<Value = World> {
    let requirement = (0..5_usize, 0..4_u64, 0..4_u64);
    let release = prop::collection::vec(requirement, 0..3);
    prop::collection::vec(prop::collection::vec(release, 1..4), 5)
}

fn metadata(package: usize, number: usize, world: &World) -> Metadata {
    let requirements = world[package][number]
        .iter()
        .map(|(required, from, to)| format!("Requires-Dist: p{required}>={from},<={to}\n"));
    let lines: String = requirements.collect();
    Metadata::read(format!("Name: p{package}\nVersion: {number}\n{lines}").as_bytes()).unwrap()
}

fn knowledge(world: &World) -> Knowledge {
    let mut known = Knowledge::new();
    for (package, releases) in world.iter().enumerate() {
        let files: Vec<_> = (0..releases.len())
            .map(|number| {
                let file = format!("p{package}-{number}-py3-none-any.whl");
                let hash = format!("{package:032x}{number:032x}");
                json!({"filename": file, "url": file, "hashes": {"sha256": hash}})
            })
            .collect();
        let text =
            json!({"meta": {"api-version": "1.1"}, "name": format!("p{package}"), "files": files});
        let base = "https://index.example/".parse().unwrap();
        let listing =
            Listing::read(&name(&format!("p{package}")), text.to_string().as_bytes(), &base)
                .unwrap();
        for (number, release) in listing.releases().enumerate() {
            known.add_metadata(release.1.unwrap(), metadata(package, number, world));
        }
        known.add_listing(listing);
    }
    known
}

/// Every choice that meets all requirements, found by trying.
fn solutions(world: &World, root: (usize, usize)) -> Vec<BTreeMap<usize, usize>> {
    let mut found = Vec::new();
    let mut choice = vec![0; world.len()];
    loop {
        // Per package: 0 stands for its absence.
        let has = |package: usize, from: u64, to: u64| {
            let number = u64::try_from(choice[package]).unwrap();
            number > 0 && (from..=to).contains(&(number - 1))
        };
        let met = choice.iter().enumerate().filter(|(_, number)| **number > 0).all(
            |(package, number)| {
                world[package][number - 1].iter().all(|(required, from, to)| {
                    *required == package && has(package, *from, *to) || has(*required, *from, *to)
                })
            },
        );
        if met && choice[root.0] == root.1 + 1 {
            let chosen = choice.iter().enumerate().filter(|(_, number)| **number > 0);
            found.push(chosen.map(|(package, number)| (package, number - 1)).collect());
        }
        let Some(place) = (0..world.len()).find(|place| choice[*place] < world[*place].len())
        else {
            return found;
        };
        choice[place] += 1;
        choice[..place].fill(0);
    }
}

proptest! {
    #[test]
    fn a_choice_is_found_exactly_where_there_is_one(world in worlds()) {
        let newest = world[0].len() - 1;
        let roots = [(name("p0"), version(&newest.to_string()))];
        let possible = solutions(&world, (0, newest));
        match resolve(&roots, &Lock::default(), &knowledge(&world)) {
            Ok(Step::Done(lock)) => {
                let chosen: BTreeMap<usize, usize> = lock.packages.iter().map(|locked| {
                    let package = locked.name.as_str().trim_start_matches('p').parse().unwrap();
                    (package, locked.version.to_string().parse().unwrap())
                }).collect();
                prop_assert!(possible.contains(&chosen), "{chosen:?} of {possible:?}");
                prop_assert_eq!(&lock.reachable_from(&[name("p0")]), &lock);
                let again = resolve(&roots, &lock, &knowledge(&world));
                prop_assert_eq!(again.unwrap(), Step::Done(lock));
            }
            Err(ResolveError::Conflict(reasons)) => {
                prop_assert!(possible.is_empty(), "{reasons:?}, but {possible:?}");
                prop_assert!(!reasons.is_empty());
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn no_requirement_breaks_the_reader(line in ".{0,60}", marker in "[a-z_'\"() <>=!~.0-9]{0,60}") {
        for text in [line.clone(), format!("b; {line}"), format!("b; {marker}"), format!("b{marker}")] {
            let _read = Metadata::read(format!("Name: a\nVersion: 1\nRequires-Dist: {text}\n").as_bytes());
        }
    }

    #[test]
    fn a_wheel_with_a_changed_byte_is_refused_or_read(place in 0..10_000_usize, byte: u8) {
        let mut bytes = package_index::Wheel::new("pkg", "1.0").bytes();
        let place = place % bytes.len();
        let same = bytes[place] == byte;
        bytes[place] = byte;
        let locked = crate::planning::locked("pkg-1.0-py3-none-any.whl", &bytes);
        let read = Wheel::read(&bytes, &locked);
        prop_assert!(!same || read.is_ok());
        if let Ok(wheel) = read {
            prop_assert_eq!(wheel.modules, ["pkg"]);
        }
    }
}
