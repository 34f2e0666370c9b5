//! What hangs on a record.

use store::{Index, Key, Listing, Order, Org, Partition};

use crate::hold::{Child, Guard, Hold, Parent};

fn of(org: &Org, parent: Parent) -> Partition {
    let (kind, id) = parent.name();
    Partition::of("ofm", org).part("holds").part(kind).part(id)
}

fn kind(child: Child) -> String {
    let name = serde_json::to_value(child).ok();
    name.as_ref().and_then(|name| name.as_str()).unwrap_or_default().to_owned()
}

/// How often something new came to hang on a record.
pub fn guard(org: &Org, parent: Parent) -> Key<Guard> {
    Key::new(&of(org, parent), &[&"guard"])
}

/// That one thing hangs on a record.
pub fn one(org: &Org, parent: Parent, child: Child, id: &str) -> Key<Hold> {
    Key::new(&of(org, parent), &[&"hold", &kind(child), &id])
}

/// What hangs on a record, of one kind.
pub fn on(org: &Org, parent: Parent, child: Child) -> Listing<Hold> {
    Listing::new(Index::Main, [of(org, parent)], Order::Ascending).beginning(&[&"hold", &kind(child), &""])
}
