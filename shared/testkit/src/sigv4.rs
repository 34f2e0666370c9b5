//! The check of a presigned request, from the specification (*Authenticating Requests: Using Query Parameters (AWS
//! Signature Version 4)* of the Amazon S3 API Reference), by nothing that also signs.

use contract::{secret::hex, time::Time};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// A request as it arrives.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// `PUT`.
    pub method: String,
    /// Where it arrives.
    pub host: String,
    /// Path and query, as they are sent.
    pub target: String,
    /// The headers but for `host`.
    pub headers: Vec<(String, String)>,
}

/// What everything but letters, digits and `-._~` is written as, and in a path also `/`.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &VALUE.remove(b'/');

impl Arrived {
    /// A request to an address: `http://host/path?query`.
    pub fn at(method: &str, url: &str, headers: Vec<(String, String)>) -> Self {
        let (_, rest) = url.split_once("://").expect("an address");
        let (host, target) = rest.split_at(rest.find('/').expect("a path"));
        Self { method: method.to_owned(), host: host.to_owned(), target: target.to_owned(), headers }
    }

    /// The path, decoded.
    pub fn path(&self) -> String {
        decoded(self.target.split('?').next().unwrap_or_default())
    }

    /// The parameters, decoded.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        if name == "host" {
            return Some(&self.host);
        }
        let mut headers = self.headers.iter();
        headers.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The access key id with which it is signed; or why it is refused.
    pub fn signed_by(&self, secret: &str, now: Time) -> Result<String, &'static str> {
        let parameters = self.parameters();
        let of = |name: &str| {
            let mut all = parameters.iter().filter(|(n, _)| n == name);
            match (all.next(), all.next()) {
                (Some((_, value)), None) => Ok(value.as_str()),
                _ => Err("a parameter is missing, or stands twice"),
            }
        };
        if of("X-Amz-Algorithm")? != "AWS4-HMAC-SHA256" {
            return Err("the algorithm is unknown");
        }
        let (id, scope) = of("X-Amz-Credential")?.split_once('/').ok_or("the credential has no scope")?;
        let [date, region, "s3", "aws4_request"] = scope.split('/').collect::<Vec<_>>()[..] else {
            return Err("the scope is not S3's");
        };
        let stamp = of("X-Amz-Date")?;
        let begins = time(stamp).filter(|_| stamp.starts_with(date)).ok_or("the date is none")?;
        let seconds: i64 = of("X-Amz-Expires")?.parse().map_err(|_| "it does not say when it expires")?;
        if !(1..=604_800).contains(&seconds) || now < begins || now >= begins.plus_seconds(seconds) {
            return Err("it has expired");
        }
        let names: Vec<_> = of("X-Amz-SignedHeaders")?.split(';').collect();
        self.all_signed(&names)?;
        let canonical = self.canonical(&names)?;
        let to_sign =
            format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
        let key = [date, region, "s3", "aws4_request"]
            .iter()
            .fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part));
        if hex(&mac(&key, &to_sign)) == of("X-Amz-Signature")? {
            Ok(id.to_owned())
        } else {
            Err("the signature is another")
        }
    }

    /// The host, and whatever says what is stored, must be signed.
    fn all_signed(&self, names: &[&str]) -> Result<(), &'static str> {
        let sent = self.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        let mut needed = sent.filter(|name| name.starts_with("x-amz-") || name == "content-type");
        let is_signed = |name: &str| names.contains(&name);
        if is_signed("host") && needed.all(|name| is_signed(&name)) {
            Ok(())
        } else {
            Err("a header is not signed")
        }
    }

    fn canonical(&self, names: &[&str]) -> Result<String, &'static str> {
        let mut query: Vec<_> = self
            .parameters()
            .iter()
            .filter(|(name, _)| name != "X-Amz-Signature")
            .map(|(name, value)| {
                format!("{}={}", utf8_percent_encode(name, VALUE), utf8_percent_encode(value, VALUE))
            })
            .collect();
        query.sort_unstable();
        let header = |name: &&str| -> Result<String, &str> {
            let value = self.header(name).ok_or("a signed header is not sent")?;
            Ok(format!("{name}:{value}\n"))
        };
        let headers = names.iter().map(header).collect::<Result<String, _>>()?;
        Ok([
            &self.method,
            &utf8_percent_encode(&self.path(), PATH).to_string(),
            &query.join("&"),
            &headers,
            &names.join(";"),
            "UNSIGNED-PAYLOAD",
        ]
        .join("\n"))
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// `20260304T080000Z`.
fn time(stamp: &str) -> Option<Time> {
    let part = |range: std::ops::Range<usize>| stamp.get(range);
    let (date, clock) = (part(0..8)?, part(9..15)?);
    let [year, month, day] = [&date[..4], &date[4..6], &date[6..]];
    let [hours, minutes, seconds] = [&clock[..2], &clock[2..4], &clock[4..]];
    let text = format!("{year}-{month}-{day}T{hours}:{minutes}:{seconds}Z");
    (stamp.len() == 16 && &stamp[8..9] == "T" && stamp.ends_with('Z')).then(|| text.parse().ok()).flatten()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    const EXAMPLE: &str = "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
        &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
        &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn at(time: &str) -> Time {
        time.parse().expect("a time")
    }

    #[test]
    fn the_example_of_the_specification_is_signed() {
        let example = Arrived::at("GET", EXAMPLE, Vec::new());
        let (first, last) = (at("2013-05-24T00:00:00Z"), at("2013-05-24T23:59:59Z"));
        for now in [first, last] {
            assert_eq!(example.signed_by(SECRET, now), Ok("AKIAIOSFODNN7EXAMPLE".to_owned()));
        }
        for now in [at("2013-05-23T23:59:59Z"), at("2013-05-25T00:00:00Z")] {
            assert_eq!(example.signed_by(SECRET, now), Err("it has expired"));
        }
        assert_eq!(example.signed_by("another", first), Err("the signature is another"));
        let with_header = vec![("X-Amz-Acl".to_owned(), "public-read".to_owned())];
        let dressed = Arrived::at("GET", EXAMPLE, with_header);
        assert_eq!(dressed.signed_by(SECRET, first), Err("a header is not signed"));
    }
}
