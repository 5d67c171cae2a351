//! How often a caller may ask: so many requests a minute, counted in this process.

mod runs;

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
pub use runs::{Ran, Runs};
use uuid::Uuid;

use crate::{App, Result, policy};

/// After so many requests, callers that have their whole limit again are forgotten.
const TIDY_EVERY: usize = 10_000;

/// Of more callers that have not their whole limit again nothing is kept: all begin anew. Only many
/// machines together get there, each of which has its limit anyway.
const KEPT_MAX: usize = 100_000;

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Who shows this token, or is signed in with this account.
    Known(Uuid),
    /// Everybody at this address.
    Address(IpAddr),
    /// Everybody whose address is unknown.
    Unknown,
}

impl Counted {
    /// By address. Of IPv6 it is the network that counts: one machine has many addresses there.
    pub fn address(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V6(v6)) if !v6.is_loopback() => {
                let network = v6.to_bits() >> 64 << 64;
                Self::Address(Ipv6Addr::from_bits(network).into())
            }
            Some(address) => Self::Address(address),
        }
    }
}

/// How a caller stands after a request was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many requests a minute there may be.
    pub limit: u32,
    /// How many there may be at once now.
    pub remaining: u32,
    /// After how many seconds all may be made at once again.
    pub reset_seconds: u64,
    /// Set where this request is one too many: after how many seconds it is worth trying again.
    pub retry_after_seconds: Option<u64>,
}

impl Standing {
    /// What an answer tells in its header.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let always = [
            ("x-ratelimit-limit", u64::from(self.limit)),
            ("x-ratelimit-remaining", u64::from(self.remaining)),
            ("x-ratelimit-reset", self.reset_seconds),
        ];
        let retry = self.retry_after_seconds.map(|seconds| ("retry-after", seconds));
        always.into_iter().chain(retry)
    }

    /// What to say to who asks too often; `what` was counted, in the plural.
    pub fn refusal(&self, what: &str) -> Option<String> {
        let seconds = self.retry_after_seconds?;
        let limit = self.limit;
        Some(format!("more than {limit} {what} a minute; try again in {seconds} seconds"))
    }

    /// Of two limits that hold for one request the one that it comes up against first.
    #[must_use]
    pub fn tighter(self, other: Self) -> Self {
        let left = |one: &Self| (one.retry_after_seconds.is_none(), one.remaining);
        if left(&other) < left(&self) { other } else { self }
    }
}

type Limiter<Who> = DefaultKeyedRateLimiter<Who, StateInformationMiddleware>;

/// The counts of one door.
pub struct RateLimit<Who = Counted>
where
    Who: Clone + Eq + Hash,
{
    /// With the limit that it was made for.
    limiter: Mutex<Option<(NonZeroU32, Arc<Limiter<Who>>)>>,
    counted: AtomicUsize,
    clock: DefaultClock,
}

impl<Who: Clone + Eq + Hash> Default for RateLimit<Who> {
    fn default() -> Self {
        Self {
            limiter: Mutex::default(),
            counted: AtomicUsize::new(0),
            clock: DefaultClock::default(),
        }
    }
}

impl<Who: Clone + Eq + Hash> RateLimit<Who> {
    /// Counts a request. So many as there may be in a minute may come at once; they are given back
    /// evenly, all within a minute. Nothing is counted where `per_minute` is 0.
    pub fn count(&self, per_minute: u32, who: &Who) -> Option<Standing> {
        let limit = NonZeroU32::new(per_minute)?;
        let limiter = self.limiter(limit);
        if self.counted.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            self.tidy(&limiter);
        }
        let (remaining, retry_after) = match limiter.check_key(who) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(refused) => (0, Some(refused.wait_time_from(self.clock.now()))),
        };
        let each = Duration::from_mins(1) / per_minute;
        Some(Standing {
            limit: per_minute,
            remaining,
            reset_seconds: whole_seconds(each * per_minute.saturating_sub(remaining)),
            retry_after_seconds: retry_after.map(|wait| whole_seconds(wait).max(1)),
        })
    }

    /// Forgets who has the whole limit again; everybody, where too many are left.
    fn tidy(&self, limiter: &Limiter<Who>) {
        limiter.retain_recent();
        if limiter.len() > KEPT_MAX {
            tracing::warn!(callers = limiter.len(), "too many callers to count; counting anew");
            *self.limiter.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// The limiter for this limit; another limit begins to count anew.
    fn limiter(&self, limit: NonZeroU32) -> Arc<Limiter<Who>> {
        let mut kept = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((made_for, limiter)) if *made_for == limit => Arc::clone(limiter),
            _ => {
                let limiter = RateLimiter::keyed(Quota::per_minute(limit));
                let limiter = Arc::new(limiter.with_middleware());
                *kept = Some((limit, Arc::clone(&limiter)));
                limiter
            }
        }
    }
}

/// The limit of `/mcp` as it is now.
pub async fn of_mcp(app: &App) -> Result<u32> {
    Ok(policy::recent(app).await?.mcp_rate_limit_rpm)
}

/// Rounded up.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Counted {
        Counted::address(Some(address.parse().unwrap()))
    }

    #[test]
    fn who_asks_too_often_is_refused_and_nobody_else() {
        let limit = RateLimit::default();
        let (one, other) = (at("192.0.2.1"), at("192.0.2.2"));
        for number in 0..10 {
            let standing = limit.count(10, &one).unwrap();
            assert_eq!((standing.limit, standing.retry_after_seconds), (10, None), "{number}");
        }
        let refused = limit.count(10, &one).unwrap();
        assert_eq!(refused.remaining, 0);
        assert!(refused.retry_after_seconds.is_some_and(|seconds| (1..=6).contains(&seconds)));
        assert!(
            refused.refusal("requests").is_some_and(|text| text.contains("10 requests a minute"))
        );
        let names: Vec<_> = refused.headers().map(|(name, _)| name).collect();
        let expected =
            ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"];
        assert_eq!(names, expected);
        let standing = limit.count(10, &other).unwrap();
        assert_eq!((standing.remaining, standing.refusal("requests")), (9, None));
    }

    #[test]
    fn another_limit_holds_from_the_next_request_on_and_none_counts_nothing() {
        let limit = RateLimit::default();
        let who = Counted::Known(Uuid::nil());
        while limit.count(10, &who).unwrap().retry_after_seconds.is_none() {}
        assert_eq!(limit.count(0, &who), None);
        assert_eq!(limit.count(20, &who).unwrap().remaining, 19);
    }

    #[test]
    fn callers_that_are_idle_are_forgotten() {
        let limit = RateLimit::default();
        let machine = |number: u32| Counted::Address(IpAddr::V4(number.into()));
        // At this rate each has its limit again by the time of the next.
        for number in 0..50_000 {
            assert!(limit.count(u32::MAX, &machine(number)).is_some());
        }
        let kept = limit.limiter(NonZeroU32::MAX).len();
        assert!(kept <= TIDY_EVERY, "{kept}");
    }

    #[test]
    fn no_more_callers_are_kept_than_there_is_room_for() {
        let limit = RateLimit::default();
        for number in 0..KEPT_MAX + 3 * TIDY_EVERY {
            let standing = limit.count(10, &number).unwrap();
            assert_eq!(standing.retry_after_seconds, None, "{number}");
        }
        let kept = limit.limiter(NonZeroU32::new(10).unwrap()).len();
        assert!(kept <= KEPT_MAX + TIDY_EVERY, "{kept}");
    }

    #[test]
    fn of_two_limits_the_one_that_refuses_is_told_or_else_the_one_with_less_left() {
        let standing = |limit, remaining, retry_after_seconds| Standing {
            limit,
            remaining,
            reset_seconds: 1,
            retry_after_seconds,
        };
        let (wide, narrow) = (standing(300, 20, None), standing(30, 5, None));
        assert_eq!((wide.tighter(narrow), narrow.tighter(wide)), (narrow, narrow));
        let (spent, refused) = (standing(300, 0, None), standing(30, 0, Some(2)));
        assert_eq!((spent.tighter(refused), refused.tighter(spent)), (refused, refused));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        assert_eq!(at("2001:db8:0:1::5"), at("2001:db8:0:1:ffff::9"));
        assert_ne!(at("2001:db8:0:1::5"), at("2001:db8:0:2::5"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
        assert_ne!(at("::1"), at("::2"));
        assert_eq!(Counted::address(None), Counted::Unknown);
    }
}
