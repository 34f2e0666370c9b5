//! The journal, for what checks it and publishes it again; see [`Store`](store::Store).

use contract::{error::Result, time::Time};
use store::journal::{Aggregate, Head, ItemKey, Link, Mention};

use crate::ctx::Ctx;

impl Ctx {
    /// Up to `most` entries of an aggregate from the one of this number on, in their order.
    pub async fn links(&self, of: Aggregate<'_>, from: u64, most: usize) -> Result<Vec<Link>> {
        self.request.store.links(of, from, most).await
    }

    /// What the record at this place says of its journal, if it is there.
    pub async fn head(&self, record: &ItemKey) -> Result<Option<Head>> {
        self.request.store.head(record).await
    }

    /// Up to `most` entries of all journals of the day on which `from` is, from then on and up to `to`, after a
    /// position; and whether there are more.
    pub async fn mentions(
        &self,
        from: Time,
        to: Time,
        after: Option<&str>,
        most: usize,
    ) -> Result<(Vec<Mention>, bool)> {
        self.request.store.mentions(from, to, after, most).await
    }
}
