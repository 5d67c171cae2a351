//! Load on the program for some seconds; `cargo xtask soak` does more of it.

use soak::Plan;

#[test]
fn under_load_every_answer_is_right_and_a_kill_loses_none() {
    let report = soak::run(Plan::short()).expect("nothing answered is lost");
    println!("{report}");
    report
        .judge_answers()
        .expect("every answer is right, and refusals are those of hostile requests");
}
