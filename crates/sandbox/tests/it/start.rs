//! Starting: the guest is unpacked once and checked; what cannot start says why.

use std::time::Instant;

use sandbox::{Config, Sandbox, StartError};

use crate::{assert_works, config, guest};

#[tokio::test]
async fn a_guest_that_was_tampered_with_is_unpacked_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Sandbox::start(config(1, folder.path().join("new"))).await.expect("it starts");
    first.stop().await;
    let files: Vec<_> = std::fs::read_dir(folder.path().join("new")).expect("a folder").collect();
    assert_eq!(files.len(), 2, "code and memory, not {files:?}");
    for file in files.iter().flatten() {
        let before = std::fs::read(file.path()).expect("the file");
        std::fs::write(file.path(), b"something else").expect("it can be written");
        let again = Sandbox::start(config(1, folder.path().join("new"))).await.expect("it starts");
        assert_works(&again).await;
        assert!(std::fs::read(file.path()).expect("the file") == before);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let artifacts = folder.path().join("new");
    let sandbox = Sandbox::start(config(1, artifacts.clone())).await.expect("it starts");
    let mode = std::fs::metadata(&artifacts).expect("the folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn a_start_that_cannot_succeed_fails_soon_and_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = config(1, folder.path().to_owned());
    let began = Instant::now();
    let no_program = Config { worker_command: vec!["/nonexistent".into()], ..good.clone() };
    assert!(matches!(Sandbox::start(no_program).await, Err(StartError::Worker(_))));
    let wrong_program = Config { worker_command: vec!["/bin/true".into()], ..good.clone() };
    assert!(matches!(Sandbox::start(wrong_program).await, Err(StartError::Worker(_))));
    let no_worker = Config { workers: 0, ..good.clone() };
    assert!(matches!(Sandbox::start(no_worker).await, Err(StartError::Config(_))));
    let no_guest = Config { guest: b"not a guest", ..good.clone() };
    assert!(matches!(Sandbox::start(no_guest).await, Err(StartError::Provision(_))));
    let cut = guest().get(..guest().len() / 2).expect("a half");
    let half_guest =
        Config { guest: cut, artifact_dir: folder.path().join("half"), ..good.clone() };
    assert!(matches!(Sandbox::start(half_guest).await, Err(StartError::Provision(_))));
    assert!(began.elapsed().as_secs() < 20);
    assert_works(&Sandbox::start(good).await.expect("the right one starts")).await;
}
