//! Memory that the program needed for a moment goes back to the system.

use testkit::http::Api;
use testkit::program::Program;

use crate::database::Database;

/// Anonymous memory of the program without its workers, in KiB.
fn anonymous_kib(program: &Program) -> u64 {
    let path = format!("/proc/{}/smaps_rollup", program.id());
    let text = std::fs::read_to_string(path).expect("the system tells");
    let line = text.lines().find_map(|line| line.strip_prefix("Pss_Anon:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn what_a_password_is_hashed_in_goes_back_at_once() {
    let database = Database::sqlite();
    let program = database.serve();
    let start = anonymous_kib(&program);
    for _ in 0..5 {
        Api::sign_in(&program.admin);
        // One takes 19 MiB. What else the first requests need is less than half of that.
        let kept = anonymous_kib(&program).saturating_sub(start);
        assert!(kept < 9 * 1024, "{kept} KiB are kept");
    }
}
