//! One route is one row of a table and one handler below it.

use std::fmt;

use contract::error::Tag;

use crate::{access::Access, handler::Handler};

/// Method and path within the service, as `stats.call` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// `GET` or `POST`; an operator action has none.
    pub method: &'static str,
    /// `/customer/create`.
    pub path: &'static str,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// A call that takes query parameters and no body.
pub const fn get(path: &'static str) -> Call {
    Call { method: "GET", path }
}

/// A call that takes a JSON object.
pub const fn post(path: &'static str) -> Call {
    Call { method: "POST", path }
}

/// How many requests of an org a route lets through, and how fast it answers (contract §11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 50 requests/s, p95 500 ms.
    A,
    /// 300 requests/s, p95 300 ms.
    B,
    /// 3,000 requests/s, p95 150 ms, p99 400 ms.
    C,
    /// 1,000 requests/s, p95 300 ms, p99 600 ms.
    D,
}

impl Class {
    /// Name, requests per second, p95 and p99 in milliseconds.
    pub const fn figures(self) -> (&'static str, u32, u32, Option<u32>) {
        match self {
            Self::A => ("A", 50, 500, None),
            Self::B => ("B", 300, 300, None),
            Self::C => ("C", 3_000, 150, Some(400)),
            Self::D => ("D", 1_000, 300, Some(600)),
        }
    }
}

/// Where a request says which org it is about (contract §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrgFrom {
    /// It is about none.
    Nowhere,
    /// `org_guid` or `orgcode` in the body, one required (ofm §1, `org*`).
    Body,
    /// `org_guid` in the body (ofm §1, `org_guid*`).
    BodyGuid,
    /// `orgcode` in the body.
    BodyCode,
    /// Header `x-orgcode`, or body `orgcode` or `request_context.orgcode`.
    Header,
}

/// One row: everything that is known of a route apart from what its handler's types say.
pub struct Route {
    /// Method and path.
    pub call: Call,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Throughput and latency.
    pub class: Class,
    /// Where the org comes from.
    pub org: OrgFrom,
    /// Who may call.
    pub access: Access,
    /// The errors that only some routes return; those that follow from the rest of the row are added to them.
    pub errors: &'static [Tag],
    /// What runs.
    pub handler: &'static dyn Handler,
}

/// A service: a name and its routes, one area per entity.
pub struct Service {
    /// `ofm`: the first part of its paths.
    pub name: &'static str,
    /// What it is for, in one line.
    pub summary: &'static str,
    /// The tables of its entities.
    pub areas: &'static [&'static [Route]],
}

impl Service {
    /// All routes.
    pub fn routes(&self) -> impl Iterator<Item = &'static Route> {
        self.areas.iter().flat_map(|area| area.iter())
    }

    /// Whether there is a route with this path, whatever its method.
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.routes().any(|route| route.call.path == path)
    }

    /// The route for a method and a path within the service: none for an unknown path, and the methods that the path
    /// takes for another method.
    pub(crate) fn find(&self, method: &str, path: &str) -> Result<&'static Route, Vec<&'static str>> {
        let known: Vec<_> = self.routes().filter(|route| route.call.path == path).collect();
        let right = known.iter().find(|route| route.call.method == method);
        right.copied().ok_or_else(|| known.iter().map(|route| route.call.method).collect())
    }
}

impl Route {
    /// Every tag that the route can return, in the order of the catalogue.
    pub fn tags(&self) -> Vec<Tag> {
        use Tag::{
            AuthRequired, Conflict, ContextMismatch, ExpectedRevisionRequired, IdempotencyInProgress,
            IdempotencyMismatch, Internal, InvalidInput, InvalidJson, InvalidToken, NotFound,
            OrgWriteBlocked, PayloadTooLarge, RateLimited, Unavailable, UnsupportedMediaType,
        };
        let traits = self.handler.traits();
        let mut tags = vec![InvalidInput, Internal, Unavailable];
        if self.call.method == "POST" {
            tags.extend([InvalidJson, PayloadTooLarge, UnsupportedMediaType]);
        }
        if self.org != OrgFrom::Nowhere {
            tags.extend([NotFound, ContextMismatch]);
        }
        if traits.names_record {
            tags.push(NotFound);
        }
        if traits.needs_revision {
            tags.extend([ExpectedRevisionRequired, Conflict]);
        }
        if traits.pages {
            tags.push(InvalidToken);
        }
        if traits.writes {
            tags.extend([IdempotencyMismatch, IdempotencyInProgress]);
            if traits.gated && self.org != OrgFrom::Nowhere {
                tags.push(OrgWriteBlocked);
            }
        }
        if self.access != Access::Operator {
            // Every request may carry a `request_context`, and every route has a rate.
            tags.extend([ContextMismatch, RateLimited]);
        }
        if !matches!(self.access, Access::Public | Access::Operator) {
            tags.push(AuthRequired);
        }
        tags.extend(self.access.tags());
        tags.extend(self.errors);
        tags.sort_unstable();
        tags.dedup();
        tags
    }
}
