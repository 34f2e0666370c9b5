//! The network that a request came from (common §4, *Source*).

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use crate::problem::Problem;

/// The source network that limits count by: an IPv4 address, or the /64 of an IPv6 address, because whoever has one
/// address of a /64 has all of them.
///
/// An IPv4-mapped IPv6 address is the IPv4 address. `Display` gives the canonical text, by which networks are hashed;
/// `Debug` hides it, because it is personal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceNetwork(IpAddr);

impl SourceNetwork {
    /// The network of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
        })
    }
}

impl FromStr for SourceNetwork {
    type Err = Problem;

    /// Reads the address that the gateway saw; fails if the text is no IP address.
    fn from_str(text: &str) -> Result<Self, Problem> {
        text.parse().map(Self::of).map_err(|_| Problem::new("must be an IP address"))
    }
}

impl fmt::Display for SourceNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

impl fmt::Debug for SourceNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceNetwork(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_the_first_half_and_an_ipv4_network_one_address() {
        let network = |text: &str| text.parse::<SourceNetwork>().unwrap().to_string();
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("2001:0DB8:1:2::1"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2:ffff:ffff:ffff:ffff"), "2001:db8:1:2::/64");
        assert_ne!(network("2001:db8:1:3::1"), network("2001:db8:1:2::1"));
        for bad in ["", "192.0.2", "192.0.2.1:80", "fe80::1%eth0", "host"] {
            assert!(bad.parse::<SourceNetwork>().is_err(), "{bad}");
        }
        assert_eq!(format!("{:?}", "192.0.2.1".parse::<SourceNetwork>().unwrap()), "SourceNetwork(…)");
    }
}
