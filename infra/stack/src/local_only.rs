//! Who may use what the stack has beside the API: programs of this machine, and pages that come from it.
//!
//! Any web page can make a browser send requests to this machine. The API expects that: it asks for credentials. The
//! operator, the database, the emulator and the reference page do not, so they look where a request comes from. A page
//! of another site names its `Origin`, or the browser says `cross-site`; a page whose name was made to point at this
//! machine (DNS rebinding) has its own name for a `Host`.

use hyper::{
    Method, Request, Uri,
    header::{HOST, HeaderMap, HeaderValue, ORIGIN},
};

/// The names of this machine that nobody else can take.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// What is wrong with where a request for this port comes from, for its sender to read; none if nothing is.
pub fn refusal<B>(request: &Request<B>, port: u16) -> Option<String> {
    let headers = request.headers();
    let hosts = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    let hosts: Vec<_> = hosts.into_iter().chain(all(headers, HOST.as_str())).collect();
    if hosts.is_empty() || !hosts.iter().all(|host| is_here(host, port)) {
        return Some(format!("the Host must be {} with the port {port}", NAMES.join(" or ")));
    }
    let mut origins = all(headers, ORIGIN.as_str()).peekable();
    let is_cross_site = || all(headers, "sec-fetch-site").any(|site| site == b"cross-site");
    let is_foreign = match origins.peek() {
        Some(_) => !origins.all(is_local_page),
        None => is_cross_site() && !is_link(request),
    };
    is_foreign.then(|| "only pages of this machine may ask this: the Origin is another".to_owned())
}

fn all<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h [u8]> {
    headers.get_all(name).into_iter().map(HeaderValue::as_bytes)
}

fn is_here(host: &[u8], port: u16) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let name = host.strip_suffix(&format!(":{port}")).or((port == 80).then_some(host));
    name.is_some_and(|name| NAMES.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

/// At whatever port: what is developed against the stack is served by this machine too.
fn is_local_page(origin: &[u8]) -> bool {
    let origin = std::str::from_utf8(origin).ok().and_then(|origin| origin.parse::<Uri>().ok());
    let Some(origin) = origin else { return false };
    let is_web = matches!(origin.scheme_str(), Some("http" | "https"));
    is_web && origin.host().is_some_and(|host| NAMES.iter().any(|known| known.eq_ignore_ascii_case(host)))
}

/// Whether somebody followed a link to the front page, as from a mail or a chat: it shows, and does nothing.
fn is_link<B>(request: &Request<B>) -> bool {
    let navigates = all(request.headers(), "sec-fetch-mode").any(|mode| mode == b"navigate")
        && all(request.headers(), "sec-fetch-dest").all(|destination| destination == b"document");
    navigates
        && request.method() == Method::GET
        && request.uri().path() == "/"
        && request.uri().query().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(headers: &[(&str, &str)]) -> bool {
        let mut request = Request::post("/2015-03-31/functions/operator/invocations");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        refusal(&request.body(()).unwrap(), 9000).is_some()
    }

    #[test]
    fn programs_of_this_machine_and_its_own_pages_may_ask() {
        for host in ["127.0.0.1:9000", "localhost:9000", "LocalHost:9000", "[::1]:9000"] {
            assert!(!is_refused(&[("host", host)]), "{host}");
        }
        for origin in
            ["http://localhost:3000", "http://127.0.0.1:9001", "https://localhost", "http://[::1]:5173"]
        {
            assert!(!is_refused(&[("host", "localhost:9000"), ("origin", origin)]), "{origin}");
        }
        let sibling = [("host", "localhost:9000"), ("sec-fetch-site", "same-origin")];
        assert!(!is_refused(&sibling));
        let other_name = [
            ("host", "127.0.0.1:9000"),
            ("origin", "http://localhost:9001"),
            ("sec-fetch-site", "cross-site"),
        ];
        assert!(!is_refused(&other_name));
    }

    #[test]
    fn names_that_others_can_point_here_are_refused() {
        let hosts =
            ["evil.example:9000", "127.0.0.1", "127.0.0.1:9001", "localhost.evil.example:9000", "", "é:9000"];
        for host in hosts {
            assert!(is_refused(&[("host", host)]), "{host}");
        }
        assert!(is_refused(&[]), "no host");
        assert!(is_refused(&[("host", "localhost:9000"), ("host", "evil.example:9000")]), "two hosts");
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        for origin in [
            "https://evil.example",
            "null",
            "",
            "http://localhost.evil.example",
            "http://127.0.0.1.nip.io:9000",
            "file://",
        ] {
            assert!(is_refused(&[("host", "localhost:9000"), ("origin", origin)]), "{origin}");
        }
        assert!(
            is_refused(&[("host", "localhost:9000"), ("sec-fetch-site", "cross-site")]),
            "an image's address"
        );
    }

    #[test]
    fn a_link_leads_to_the_front_page_and_no_further() {
        let follow = |path: &str, destination: &str| {
            let request =
                Request::get(path).header("host", "localhost:9001").header("sec-fetch-site", "cross-site");
            let request = request.header("sec-fetch-mode", "navigate").header("sec-fetch-dest", destination);
            refusal(&request.body(()).unwrap(), 9001)
        };
        assert_eq!(follow("/", "document"), None);
        assert!(follow("/?Action=DeleteQueue", "document").is_some());
        assert!(follow("/reference/settings.json", "document").is_some());
        assert!(follow("/", "iframe").is_some());
    }
}
