//! One route is one row of a table and one handler below it.

use std::{borrow::Cow, fmt};

use contract::error::Tag;

use crate::{access::Access, handler::Handler, limit::UNKNOWN_CALLERS_PER_MINUTE};

/// Method and path within the service, as `stats.call` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// `GET` or `POST`, where the API is REST also `PUT` or `DELETE`; an operator action has none.
    pub method: &'static str,
    /// `/customer/create`. A part in braces is a parameter, a field of the request: `/{id}`.
    pub path: &'static str,
    /// What it does, as a path: the path itself, where that says it.
    pub name: &'static str,
}

impl Call {
    const fn new(method: &'static str, path: &'static str) -> Self {
        Self { method, path, name: path }
    }

    /// The same call, where its path is a thing's and does not say what is done to it: `/attribution/confirm`.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// The methods of the requests that it answers.
    pub fn answers_to(self) -> &'static [&'static str] {
        match self.method {
            "GET" => &["GET", "HEAD"],
            "POST" => &["POST"],
            "PUT" => &["PUT"],
            "DELETE" => &["DELETE"],
            _ => &[],
        }
    }

    /// Whether the request is read from the query.
    pub fn takes_query(self) -> bool {
        self.method == "GET"
    }

    /// The names of the parameters in the path.
    pub fn parameters(self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(parameter)
    }

    /// The values of the parameters, where this is the path that is meant.
    fn matches(self, path: &str) -> Option<Vec<(&'static str, &str)>> {
        let mut values = Vec::new();
        let mut given = path.split('/');
        for part in self.path.split('/') {
            match (parameter(part), given.next()?) {
                (Some(name), value) if !value.is_empty() => values.push((name, value)),
                (None, value) if value == part => {}
                _ => return None,
            }
        }
        given.next().is_none().then_some(values)
    }
}

/// The name of a parameter, where a part of a path is one.
fn parameter(part: &'static str) -> Option<&'static str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// A call that takes query parameters and no body.
pub const fn get(path: &'static str) -> Call {
    Call::new("GET", path)
}

/// A call that takes a JSON object.
pub const fn post(path: &'static str) -> Call {
    Call::new("POST", path)
}

/// A call that takes a JSON object and changes the thing at its path (REST alone).
pub const fn put(path: &'static str) -> Call {
    Call::new("PUT", path)
}

/// A call that takes nothing and ends the thing at its path (REST alone).
pub const fn delete(path: &'static str) -> Call {
    Call::new("DELETE", path)
}

/// The call of an operator action: it has no method, and its path is its name.
pub(crate) const fn action(name: &'static str) -> Call {
    Call::new("ACTION", name)
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
    /// The one org of a deployment that is open to the public; in any other, header `x-orgcode` (referral §2).
    Deployment,
    /// The org of what the request names by a code that is unique among all orgs; see
    /// [`of_org_that_holds`](crate::Typed::of_org_that_holds).
    Holder,
}

/// The form of a service's requests and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `POST` with a JSON object, shared fields beside the route's own, the envelope around every answer, all under
    /// `/<service>` (contract §2, §3).
    Enveloped,
    /// Verbs, parameters in the path, bare bodies with the route's own fields alone (referral §3).
    Rest {
        /// What all paths begin with: `/api/v1/things`.
        base: &'static str,
    },
}

/// A whole number that a deployment may set.
#[derive(Debug)]
pub struct Figure {
    /// The variable of the environment.
    pub variable: &'static str,
    /// What it is unless it is set.
    pub default: u32,
    /// The least that it may be.
    pub least: u32,
    /// The most that it may be.
    pub most: u32,
}

/// What a deployment may set of every service.
pub static FIGURES: &[&Figure] = &[&UNKNOWN_CALLERS_PER_MINUTE];

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
    /// The form of its requests and answers.
    pub style: Style,
    /// What a deployment may set of it.
    pub figures: &'static [&'static Figure],
    /// The environment variable with the keys of the short codes that it keeps, where it keeps some.
    pub code_keys: Option<&'static str>,
    /// The tables of its entities.
    pub areas: &'static [&'static [Route]],
}

impl Service {
    /// All routes.
    pub fn routes(&self) -> impl Iterator<Item = &'static Route> {
        self.areas.iter().flat_map(|area| area.iter())
    }

    /// What all paths begin with: `/ofm`.
    pub fn base(&self) -> Cow<'static, str> {
        match self.style {
            Style::Enveloped => format!("/{}", self.name).into(),
            Style::Rest { base } => base.into(),
        }
    }

    /// Whether who may call depends on what the deployment decided (referral §2).
    pub(crate) fn asks_for_access(&self) -> bool {
        self.routes().any(|route| matches!(route.access, Access::PublicOr(_)))
    }

    /// The route for a method and a path within the service, with the values of its parameters: none for an unknown
    /// path, and the methods that the path takes for another method.
    pub(crate) fn find<'p>(&self, method: &str, path: &'p str) -> Result<Met<'p>, Vec<&'static str>> {
        let mut met = self.at(path);
        // HEAD is GET whose answer has no body (contract §2).
        let method = if method == "HEAD" { "GET" } else { method };
        match met.iter().position(|(route, _)| route.call.method == method) {
            Some(n) => Ok(met.swap_remove(n)),
            None => Err(met.into_iter().flat_map(|(route, _)| route.call.answers_to()).copied().collect()),
        }
    }

    /// What the routes with this path, whatever their method, call it: with the names of its parameters, not their
    /// values.
    pub(crate) fn known(&self, path: &str) -> Option<&'static str> {
        self.at(path).first().map(|(route, _)| route.call.path)
    }

    /// The routes with this path. One without parameters goes before one that has some.
    fn at<'p>(&self, path: &'p str) -> Vec<Met<'p>> {
        let met = self.routes().filter_map(|route| Some((route, route.call.matches(path)?)));
        let mut met: Vec<Met<'p>> = met.collect();
        let fewest = met.iter().map(|(_, parameters)| parameters.len()).min();
        met.retain(|(_, parameters)| Some(parameters.len()) == fewest);
        met
    }

    /// Every tag that one of its routes can return, in the order of the catalogue.
    pub fn tags(&self, route: &Route) -> Vec<Tag> {
        let mut tags = route.tags();
        if self.style != Style::Enveloped {
            // Without shared fields nothing is said twice.
            tags.retain(|tag| *tag != Tag::ContextMismatch);
        }
        tags
    }
}

/// A route, and the values of the parameters in its path as they were sent.
pub(crate) type Met<'p> = (&'static Route, Vec<(&'static str, &'p str)>);

impl Route {
    /// Every tag that the route can return; see [`Service::tags`].
    fn tags(&self) -> Vec<Tag> {
        use Tag::{
            AuthRequired, Conflict, ContextMismatch, ExpectedRevisionRequired, IdempotencyInProgress,
            IdempotencyMismatch, Internal, InvalidInput, InvalidJson, InvalidToken, NotFound,
            OrgWriteBlocked, PayloadTooLarge, RateLimited, Unavailable, UnsupportedMediaType,
        };
        let traits = self.handler.traits();
        let mut tags = vec![InvalidInput, Internal, Unavailable];
        if !matches!(self.call.method, "GET" | "ACTION") {
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
