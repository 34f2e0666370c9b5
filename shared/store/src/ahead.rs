//! A page of a list that is asked for before it is known whether the caller may see it: beside the caller check, so that
//! a list costs one round trip and not two.

use contract::{error::Result, paging::Limit};

use crate::{
    client::Store,
    codec::Item,
    entity::Entity,
    key::{Anything, Listing},
    read::Page,
};

/// What was found of a list. It is shown to nobody unless the same list is asked for once the caller passed.
#[derive(Debug)]
pub struct Ahead {
    list: Listing<Anything>,
    after: Option<String>,
    limit: Limit,
    /// And the one after the page, where there is one.
    pub(crate) items: Vec<Item>,
}

impl Ahead {
    /// Whether this is the page that is asked for.
    pub fn is<E: Entity>(&self, list: &Listing<E>, after: Option<&str>, limit: Limit) -> bool {
        self.list.is_like(list) && self.after.as_deref() == after && self.limit == limit
    }

    /// The page.
    pub fn page<E: Entity>(mut self, list: &Listing<E>) -> Result<Page<E>> {
        let more = self.items.len() > self.limit.get();
        self.items.truncate(self.limit.get());
        Page::of_items(list, self.items, more)
    }
}

impl Store {
    /// Reads a page at the same time as something else, with which it counts as one round trip. None where it could not
    /// be read: whoever needs it asks again.
    pub async fn ahead(&self, list: Listing<Anything>, after: Option<String>, limit: Limit) -> Option<Ahead> {
        let items = self.items_beside(&list, after.as_deref(), limit.get()).await.ok()?;
        Some(Ahead { list, after, limit, items })
    }
}
