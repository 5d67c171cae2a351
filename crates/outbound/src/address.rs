//! Which IP addresses are public, which a person may allow, and which nobody reaches.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of place an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// On the internet.
    Public,
    /// On somebody's own network: a person may allow it.
    Private,
    /// This machine.
    Loopback,
    /// The next machine on the wire, reached without a router.
    LinkLocal,
    /// A cloud's metadata service, which hands out credentials to whoever asks.
    Metadata,
    /// Set aside for anything but a host: documentation, multicast, tunnels, benchmarks, the future.
    Reserved,
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Metadata => "metadata",
            Self::Reserved => "reserved",
        })
    }
}

/// The IPv4 blocks that are not public; the first that holds an address gives its class.
const IPV4_BLOCKS: [(Ipv4Addr, u32, Class); 19] = [
    // Metadata services of Alibaba Cloud, Azure and Oracle Cloud; that of most others is link-local.
    (Ipv4Addr::new(100, 100, 100, 200), 32, Class::Metadata),
    (Ipv4Addr::new(168, 63, 129, 16), 32, Class::Metadata),
    (Ipv4Addr::new(192, 0, 0, 192), 32, Class::Metadata),
    (Ipv4Addr::new(169, 254, 169, 254), 32, Class::Metadata),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Class::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Class::Private),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Class::Private),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Class::Private),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Class::Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Class::LinkLocal),
    // "This network", of which 0.0.0.0 reaches this machine.
    (Ipv4Addr::UNSPECIFIED, 8, Class::Reserved),
    // IETF protocol assignments.
    (Ipv4Addr::new(192, 0, 0, 0), 24, Class::Reserved),
    // Documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24, Class::Reserved),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Class::Reserved),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Class::Reserved),
    // Relays of 6to4, given up.
    (Ipv4Addr::new(192, 88, 99, 0), 24, Class::Reserved),
    // Benchmarks of network devices.
    (Ipv4Addr::new(198, 18, 0, 0), 15, Class::Reserved),
    // Multicast, then the future and broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4, Class::Reserved),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Class::Reserved),
];

/// The IPv6 blocks that are not public; the first that holds an address gives its class.
const IPV6_BLOCKS: [(Ipv6Addr, u32, Class); 16] = [
    // Amazon's link services, of which ::254 is metadata and ::23 hands out credentials of pods.
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32, Class::Metadata),
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128, Class::Metadata),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Class::Private),
    (Ipv6Addr::LOCALHOST, 128, Class::Loopback),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, Class::LinkLocal),
    // Site-local, given up.
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Class::Reserved),
    // The unspecified address and IPv4-compatible ones.
    (Ipv6Addr::UNSPECIFIED, 96, Class::Reserved),
    // IPv4 inside IPv6: NAT64, local NAT64, 6to4; Teredo lies in 2001::/23.
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, Class::Reserved),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, Class::Reserved),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, Class::Reserved),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Class::Reserved),
    // Discarded, and documentation.
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, Class::Reserved),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Class::Reserved),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Class::Reserved),
    // Segment routing, and multicast.
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, Class::Reserved),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Class::Reserved),
];

/// The only block that public IPv6 addresses are handed out from.
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// The class of `address`. An IPv4-mapped address (`::ffff:a.b.c.d`) is the IPv4 address it reaches.
pub fn classify(address: IpAddr) -> Class {
    match address.to_canonical() {
        IpAddr::V4(address) => IPV4_BLOCKS
            .iter()
            .find(|(block, bits, _)| holds_ipv4(*block, *bits, address))
            .map_or(Class::Public, |(_, _, class)| *class),
        IpAddr::V6(address) => IPV6_BLOCKS
            .iter()
            .find(|(block, bits, _)| holds_ipv6(*block, *bits, address))
            .map_or_else(|| unlisted(address), |(_, _, class)| *class),
    }
}

/// What no block names is public only where public addresses are: the rest is not handed out yet.
fn unlisted(address: Ipv6Addr) -> Class {
    let (block, bits) = GLOBAL_UNICAST;
    if holds_ipv6(block, bits, address) { Class::Public } else { Class::Reserved }
}

fn holds_ipv4(block: Ipv4Addr, bits: u32, address: Ipv4Addr) -> bool {
    let differing = block.to_bits() ^ address.to_bits();
    differing.leading_zeros() >= bits
}

fn holds_ipv6(block: Ipv6Addr, bits: u32, address: Ipv6Addr) -> bool {
    let differing = block.to_bits() ^ address.to_bits();
    differing.leading_zeros() >= bits
}

#[cfg(test)]
mod tests {
    use super::{Class, classify};
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    /// First and last address of each block, and the neighbours outside where they differ.
    const TABLE: [(Class, &str); 6] = [
        (
            Class::Public,
            "1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255 \
             100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15 168.63.129.17 \
             169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 \
             192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 \
             198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 \
             223.255.255.255 ::ffff:93.184.216.34 ::ffff:0808:0808 2000::1 2001:200::1 \
             2001:4860:4860::8888 2001:db7:ffff::1 2001:db9::1 2003::1 2606:4700:4700::1111 \
             2a00:1450:4001:800::200e 3ffe:ffff::1 3fff:1000::1",
        ),
        (
            Class::Private,
            "10.0.0.0 10.255.255.255 100.64.0.0 100.100.100.199 100.100.100.201 \
             100.127.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 \
             ::ffff:10.0.0.1 ::ffff:192.168.7.1 fc00:: fd00::1 fd00:ec3::1 fd20:ce::253 \
             fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ),
        (Class::Loopback, "127.0.0.0 127.0.0.1 127.1.2.3 127.255.255.255 ::1 ::ffff:127.0.0.1"),
        (
            Class::LinkLocal,
            "169.254.0.0 169.254.169.253 169.254.170.2 169.254.255.255 ::ffff:169.254.1.1 \
             fe80:: fe80::1 febf:ffff::1",
        ),
        (
            Class::Metadata,
            "169.254.169.254 100.100.100.200 168.63.129.16 192.0.0.192 \
             ::ffff:169.254.169.254 ::ffff:a9fe:a9fe fd00:ec2::254 fd00:ec2::23 \
             fd20:ce::254",
        ),
        (
            Class::Reserved,
            "0.0.0.0 0.255.255.255 192.0.0.0 192.0.0.255 192.0.2.0 192.0.2.255 192.88.99.0 \
             192.88.99.255 198.18.0.0 198.19.255.255 198.51.100.0 198.51.100.255 \
             203.0.113.0 203.0.113.255 224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.255 \
             ::ffff:0.0.0.0 :: ::2 ::7f00:1 ::93.184.216.34 ::ffff:0:127.0.0.1 64:ff9b:: \
             64:ff9b::7f00:1 64:ff9b::93.184.216.34 64:ff9b:1::1 64:ff9b:1:ffff::1 100:: \
             100::ffff:ffff:ffff:ffff 2001:: 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 \
             2001:1ff:ffff::1 2001:db8:: 2001:db8:ffff::1 2002:: 2002:7f00:1::1 \
             2002:c0a8:701::1 3fff:: 3fff:fff:ffff::1 4000::1 5f00::1 8000::1 fbff::1 \
             fe00::1 fec0::1 feff:ffff::1 ff02::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ),
    ];

    #[test]
    fn every_address_has_the_class_of_its_block() {
        for (class, addresses) in TABLE {
            for text in addresses.split_whitespace() {
                let address: IpAddr = text.parse().unwrap();
                assert_eq!(classify(address), class, "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_mapped_address_is_what_it_maps(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            prop_assert_eq!(
                classify(IpAddr::V6(address.to_ipv6_mapped())),
                classify(IpAddr::V4(address))
            );
        }

        #[test]
        fn no_ipv4_address_hides_in_a_tunnel(high: u16, low: u16, tail: u16) {
            for tunnelled in [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 1, tail, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, tail, 0, 0, 0, 1),
                Ipv6Addr::new(0x2001, 0, tail, tail, 0, 0, !high, !low),
            ] {
                let class = classify(IpAddr::V6(tunnelled));
                prop_assert!(matches!(class, Class::Reserved | Class::Loopback), "{}", tunnelled);
            }
        }

        #[test]
        fn what_the_standard_library_calls_special_is_never_public(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let special = address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_broadcast()
                || address.is_documentation()
                || address.is_multicast()
                || address.is_unspecified();
            prop_assert!(!special || classify(IpAddr::V4(address)) != Class::Public);
        }
    }
}
