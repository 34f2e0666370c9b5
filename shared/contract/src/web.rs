//! What a browser tells of itself: address, name, where it came from (referral §1).

use std::{net::IpAddr, str::FromStr};

use http::Uri;

use crate::{json::json_string, problem::Problem};

/// An IPv4 or IPv6 address in its canonical form (RFC 5952). IPv4-mapped IPv6 is the IPv4 address; zone ids, ports and
/// leading zeros of IPv4 are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpAddress(IpAddr);

impl IpAddress {
    fn text(self) -> String {
        self.0.to_string()
    }
}

impl std::fmt::Display for IpAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

impl FromStr for IpAddress {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let address = text.parse::<IpAddr>();
        address
            .map(|address| Self(address.to_canonical()))
            .map_err(|_| Problem::new("must be an IPv4 or IPv6 address, without port or zone"))
    }
}

json_string!(IpAddress, text, {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]});

/// A program's name for itself: up to 1,024 printable characters, as they were sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserAgent(String);

impl UserAgent {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserAgent {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        if text.contains(char::is_control) {
            Err(Problem::new("must not contain control characters"))
        } else if text.chars().count() > 1024 {
            Err(Problem::new("must be at most 1024 characters"))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

json_string!(UserAgent, as_str, {
    "type": "string", "maxLength": 1024, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$",
});

/// An absolute `http` or `https` URL of up to 2,048 characters, without its fragment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WebUrl(String);

impl WebUrl {
    /// The URL as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WebUrl {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        const PROBLEM: Problem = Problem::new("must be an absolute http or https URL");
        if text.len() > 2048 {
            return Err(Problem::new("must be at most 2048 characters"));
        }
        let url = text.split('#').next().unwrap_or_default();
        let uri: Uri = url.parse().map_err(|_| PROBLEM)?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority().filter(|authority| is_web && !authority.host().is_empty());
        let authority = authority.ok_or(PROBLEM)?;
        if authority.as_str().contains('@') {
            return Err(Problem::new("must not contain a user name or password"));
        }
        let has_port = authority.as_str().len() > authority.host().len();
        if (has_port && authority.port_u16().is_none()) || !url.is_ascii() {
            Err(PROBLEM)
        } else {
            Ok(Self(url.to_owned()))
        }
    }
}

json_string!(WebUrl, as_str, {
    "type": "string", "format": "uri", "maxLength": 2048, "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://",
});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_canonical() {
        for (given, shown) in [
            ("185.12.34.56", "185.12.34.56"),
            ("0.0.0.0", "0.0.0.0"),
            ("2001:0DB8::1", "2001:db8::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("::", "::"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::FFFF:c000:0201", "192.0.2.1"),
            ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"),
        ] {
            assert_eq!(given.parse::<IpAddress>().unwrap().to_string(), shown, "{given}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            " 192.0.2.1",
            "192.0.2.1 ",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.01",
            "0192.0.2.1",
            "0x7f.0.0.1",
            "3221225985",
            "192.0.2.1:80",
            "192.0.2.1/24",
            "[2001:db8::1]",
            "[2001:db8::1]:80",
            "fe80::1%eth0",
            "2001:db8::1::2",
            "2001:db8:00001::1",
            "::ffff:192.0.2.01",
            "example.com",
        ] {
            assert!(text.parse::<IpAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn agents_are_kept_as_they_are_sent() {
        for good in ["", " ", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0)", "ü🦀", &"é".repeat(1024)] {
            assert_eq!(good.parse::<UserAgent>().unwrap().as_str(), good);
        }
        for bad in ["a\nb", "a\0", "\u{7f}", "\u{85}", "\t", &"x".repeat(1025)] {
            assert!(bad.parse::<UserAgent>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn urls_are_absolute_and_lose_their_fragment() {
        for (given, kept) in [
            ("https://instagram.com", "https://instagram.com"),
            ("HTTPS://Example.com/A?b=c&d", "HTTPS://Example.com/A?b=c&d"),
            ("http://example.com:8080/p#top", "http://example.com:8080/p"),
            ("https://example.com#", "https://example.com"),
            ("https://[2001:db8::1]/", "https://[2001:db8::1]/"),
        ] {
            assert_eq!(given.parse::<WebUrl>().unwrap().as_str(), kept, "{given}");
        }
        let long = format!("https://example.com/{}", "a".repeat(2048));
        for bad in [
            "",
            "/path",
            "example.com",
            "//example.com/",
            "ftp://example.com/",
            "javascript:alert(1)",
            "mailto:a@example.com",
            "https://",
            "https:///path",
            "https://jo:secret@example.com/",
            "https://jo@example.com/",
            "https://example.com:99999/",
            "https://exam ple.com/",
            "https://example.com/a b",
            "https://example.com/ü",
            "https://example.com/\n",
            &long,
        ] {
            assert!(bad.parse::<WebUrl>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn an_address_reads_as_it_is_shown(bits: u128, v4: u32) {
            for address in [IpAddr::V6(bits.into()), IpAddr::V4(v4.into())] {
                let read: IpAddress = address.to_string().parse().unwrap();
                prop_assert_eq!(read.to_string().parse::<IpAddress>(), Ok(read));
            }
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<IpAddress>();
            let _ = text.parse::<UserAgent>();
            let _ = text.parse::<WebUrl>();
        }
    }
}
