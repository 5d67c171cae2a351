//! The tools that are called, as a model would write them.

use serde_json::{Value, json};

/// The server that they are on.
pub(crate) const SERVER: &str = "load";

/// The server of those that only make the lists long.
pub(crate) const MANY: &str = "many";

/// The server of those that are made while the load is on.
pub(crate) const GROWN: &str = "grown";

/// One tool, prompt or resource to make.
pub(crate) struct Made {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) code: &'static str,
    /// What else it is made with.
    pub(crate) more: fn() -> Value,
}

/// All of them.
pub(crate) const ALL: [Made; 10] = [
    tool("add", ADD),
    tool("primes", PRIMES),
    tool("repeat", REPEAT),
    tool("fail", FAIL),
    tool("steps", STEPS),
    tool("greet", GREET),
    Made { more: || json!({"timeout_ms": 120_000}), ..tool("wait", WAIT) },
    Made { more: || json!({"timeout_ms": 120_000}), ..tool("nap", NAP) },
    Made { kind: "prompt", ..tool("words", WORDS) },
    Made { kind: "resource", more: || json!({"uri": "load://notes/{day}"}), ..tool("note", NOTE) },
];

/// A tool that is made and approved while the load is on.
pub(crate) const LATE: &str = "async def main(number: int) -> int:\n    return number + 1\n";

const fn tool(name: &'static str, code: &'static str) -> Made {
    Made { name, kind: "tool", code, more: || json!({}) }
}

const ADD: &str = "
async def main(number: int, left: int, right: int) -> dict[str, int]:
    return {'number': number, 'sum': left + right}
";

/// Works for some milliseconds.
const PRIMES: &str = "
async def main(number: int, below: int) -> dict[str, int]:
    sieve = bytearray([1]) * below
    sieve[0:2] = b'\\0\\0'
    for candidate in range(2, int(below**0.5) + 1):
        if sieve[candidate]:
            for multiple in range(candidate * candidate, below, candidate):
                sieve[multiple] = 0
    return {'number': number, 'primes': sum(sieve)}
";

const REPEAT: &str = "
async def main(number: int, text: str, times: int) -> dict[str, int | str]:
    return {'number': number, 'text': text * times}
";

const FAIL: &str = "
async def main(number: int):
    raise ValueError(f'number {number} is to fail')
";

const STEPS: &str = "
import asyncio


async def main(number: int) -> dict[str, int]:
    for step in range(1, 6):
        ctx.progress(step, 5, f'at {step}')
        await asyncio.sleep(0.02)
    return {'number': number, 'steps': 5}
";

const GREET: &str = "
NAME = {'type': 'object', 'properties': {'name': {'type': 'string'}}, 'required': ['name']}


async def main(number: int) -> dict[str, int | str]:
    answer = await ctx.elicit('Who is there?', NAME)
    said = answer.content['name'] if answer.action == 'accept' else answer.action
    return {'number': number, 'said': said}
";

/// Waits for longer than anybody does.
const WAIT: &str = "
import asyncio


async def main(number: int) -> int:
    ctx.info('waiting')
    await asyncio.sleep(100)
    return number
";

/// Holds its place for a while.
const NAP: &str = "
import asyncio


async def main(number: int, seconds: float) -> int:
    await asyncio.sleep(seconds)
    return number
";

const WORDS: &str = "
async def main(topic: str, words: int = 3):
    return f'{words} words on {topic}'
";

const NOTE: &str = "
async def main(day: str):
    return {'day': day}
";

/// What `primes` counts.
pub(crate) fn primes_below(below: u64) -> usize {
    let is_prime = |number: &u64| {
        let divisors = 2..=number.isqrt();
        !divisors.into_iter().any(|divisor| number.is_multiple_of(divisor))
    };
    (2..below).filter(is_prime).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_counted() {
        assert_eq!([2, 3, 10, 100].map(primes_below), [0, 1, 4, 25]);
    }
}
