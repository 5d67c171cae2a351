//! How many connections a door has open, in all and from one peer.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Open files kept for everything but connections: database, workers, log.
const FILES_RESERVED: u64 = 128;

/// A peer may always have this many connections, or all that the door has.
const PER_PEER_MIN: usize = 64;

/// The connections that each of two doors may have open in a process of so many open files.
pub(super) fn connections_within(files: u64) -> usize {
    let each = files.saturating_sub(FILES_RESERVED) / 2;
    usize::try_from(each).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS)
}

/// The places for connections at one door.
#[derive(Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    per_peer: usize,
    peers: Arc<Peers>,
}

/// The place of one connection; dropping it frees it.
#[derive(Debug)]
pub(super) struct Place {
    _room: OwnedSemaphorePermit,
    peer: IpAddr,
    peers: Arc<Peers>,
}

#[derive(Debug, Default)]
struct Peers(Mutex<HashMap<IpAddr, usize>>);

impl Places {
    /// Places for `all` connections, of which one peer may take a quarter.
    pub(crate) fn new(all: usize) -> Self {
        let per_peer = (all / 4).max(PER_PEER_MIN);
        Self { free: Arc::new(Semaphore::new(all)), per_peer, peers: Arc::default() }
    }

    pub(super) fn is_full(&self) -> bool {
        self.free.available_permits() == 0
    }

    /// Waits for room; none when the door is gone.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// Gives the room to a connection of this address; none if its peer has its share already.
    pub(super) fn take(&self, room: OwnedSemaphorePermit, address: IpAddr) -> Option<Place> {
        let peer = peer_of(address);
        let mut peers = self.peers.open();
        let open = peers.entry(peer).or_default();
        if *open >= self.per_peer {
            return None;
        }
        *open += 1;
        Some(Place { _room: room, peer, peers: Arc::clone(&self.peers) })
    }
}

impl Peers {
    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut peers = self.peers.open();
        if let Some(open) = peers.get_mut(&self.peer) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                peers.remove(&self.peer);
            }
        }
    }
}

/// One client commands the whole /64 of an IPv6 address, so that counts as one peer.
fn peer_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_doors_share_what_the_rest_of_the_program_leaves() {
        assert_eq!(connections_within(256), 64);
        assert_eq!(connections_within(65_536), 32_704);
        assert_eq!(connections_within(64), 1);
    }

    #[tokio::test]
    async fn a_full_door_has_room_again_when_a_connection_ends() {
        let places = Places::new(1);
        let room = places.room().await.expect("room");
        let place = places.take(room, [192, 0, 2, 1].into()).expect("a place");
        assert!(places.is_full());
        drop(place);
        assert!(!places.is_full());
        assert!(places.room().await.is_some());
    }

    #[tokio::test]
    async fn one_peer_gets_a_quarter_and_leaves_the_rest_to_others() {
        let places = Places::new(400);
        let mut held = Vec::new();
        for _ in 0..100 {
            let room = places.room().await.expect("room");
            held.push(places.take(room, [192, 0, 2, 1].into()).expect("a place"));
        }
        let room = places.room().await.expect("room");
        assert!(places.take(room, [192, 0, 2, 1].into()).is_none());
        let room = places.room().await.expect("room");
        assert!(places.take(room, [192, 0, 2, 2].into()).is_some());
        held.pop();
        let room = places.room().await.expect("room");
        assert!(places.take(room, [192, 0, 2, 1].into()).is_some());
        held.clear();
        assert!(places.peers.open().is_empty());
    }

    #[test]
    fn addresses_that_one_client_commands_are_one_peer() {
        let peer = |text: &str| peer_of(text.parse().expect("an address"));
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:1"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
        assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
    }
}
