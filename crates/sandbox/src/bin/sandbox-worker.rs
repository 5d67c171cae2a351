//! A worker process by itself: what the tests of this crate start; the program has it as a subcommand.

fn main() -> std::process::ExitCode {
    sandbox::worker::main()
}
