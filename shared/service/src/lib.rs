//! What every function does with a request: find the route, check the caller, run one typed handler, write its change,
//! answer with the envelope. The only crate that knows `lambda_http` and its
//! events.
//!
//! A route is one row of a [`Route`] table beside its handler. Dispatch, access checks, documents and the tests that
//! walk all routes are made from that row and from the handler's types; nothing about a route is said twice.

mod access;
mod acting;
mod answer;
mod app;
mod caller;
pub mod clocked_in;
mod ctx;
pub mod direct;
mod dispatch;
mod erase;
mod event;
mod first_reads;
mod frame;
mod handler;
mod headers;
mod journal;
pub mod keys;
mod known;
pub mod lambda;
mod limit;
pub mod lockout;
mod log;
mod made_keys;
mod memo;
mod names;
mod objects;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod ownership;
pub mod parting;
pub mod person;
mod place;
pub mod records;
mod replay;
mod route;
mod run;
mod strangers;
mod time_left;
mod touch;
mod trace;
mod traits;
mod transition;

pub use access::Access;
pub use answer::{Answer, Resource, Written};
pub use app::{App, Clock, LogSink, Settings, build};
pub use caller::{Caller, Principal};
pub use ctx::{Ctx, Listed, Writer};
pub use dispatch::{Request, Response, handle};
pub use handler::{
    Also, Handler, HeldBy, Typed, Wanted, change, list, read, read_if_named, read_record, write,
    write_if_named,
};
pub use limit::{REPORT_PATIENCE, Rate, UNKNOWN_CALLERS_PER_MINUTE};
pub use names::{MayName, Names, Revised};
pub use objects::{Object, Objects, Upload};
pub use place::Place;
pub use route::{Call, Class, FIGURES, Figure, OrgFrom, Route, Service, Style, delete, get, post, put};
pub use traits::{Fill, Traits};
pub use transition::{Arc, allow};
// For the macros of this crate.
#[doc(hidden)]
pub use store::{Entity, Key};
