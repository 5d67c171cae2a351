//! Runs a test again in a network namespace of its own.

use std::process::Command;

/// Set where the test runs inside its namespace.
const INSIDE: &str = "ISOLATED_NETWORK";

/// Runs `test`, an async closure written inside a `#[test]` function, in its own network.
///
/// There every IPv4 and IPv6 address is local: whatever a listener binds to can be connected to.
/// It needs no privilege, but a system that lets its users make namespaces, and `unshare` and `ip`.
///
/// # Panics
/// Where there can be no namespace, and where the test fails.
pub fn run<F: AsyncFnOnce()>(test: F) {
    run_with_environment(&[], test);
}

/// The same with more variables in the environment.
///
/// # Panics
/// As [`run`].
pub fn run_with_environment<F: AsyncFnOnce()>(environment: &[(&str, &str)], test: F) {
    if !is_inside() {
        return run_inside(&name_of::<F>(), environment);
    }
    set_up();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(test());
}

/// Whether this process was started by [`again`], or is a test in its namespace.
pub fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// This program once more, in a network namespace of its own, where it has to begin with [`set_up`].
///
/// # Panics
/// Where the path of this program is not known.
pub fn again(arguments: &[&str]) -> Command {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--"]).arg(program).args(arguments);
    command.env(INSIDE, "yes");
    command
}

/// Makes every address local, in a namespace that has no network yet.
///
/// # Panics
/// Where `ip` is missing or refused.
pub fn set_up() {
    for arguments in
        ["link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo"]
    {
        // It lies where only administrators look by themselves.
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
        let output = Command::new("sh")
            .args(["-c", &format!("exec ip {arguments}")])
            .env("PATH", path)
            .output();
        let output = output.expect("`ip` (package iproute2) has to be there for this test");
        assert!(output.status.success(), "ip {arguments}: {output:?}");
    }
}

/// The name of the test function that holds the closure `F`, as the test runner knows it.
fn name_of<F>() -> String {
    let path = std::any::type_name::<F>();
    let path = path.trim_end_matches("::{{closure}}");
    path.split_once("::").map_or(path, |(_crate, name)| name).to_owned()
}

fn run_inside(name: &str, environment: &[(&str, &str)]) {
    let output = again(&[name, "--exact", "--nocapture", "--test-threads=1"])
        .envs(environment.iter().copied())
        .output()
        .expect("`unshare` (package util-linux) has to be there for this test");
    let [text, errors] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    assert!(
        text.contains("running 1 test"),
        "this test needs a network namespace of its own, which this system does not let its users \
         make (`unshare -Urn true` has to work; see kernel.unprivileged_userns_clone, \
         user.max_net_namespaces and kernel.apparmor_restrict_unprivileged_userns):\n{errors}"
    );
    print!("{text}");
    assert!(output.status.success(), "it failed in its network:\n{text}\n{errors}");
}
