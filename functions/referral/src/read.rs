//! Reading attributions: one, all of an org, those of a mentor (referral §3).

use contract::{
    attribution_id::AttributionId,
    error::{Result, Tag},
    foreign_id::InPath,
    pages::{Length, Number, Pagination, Window},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Answer, Class, Ctx, Names, OrgFrom, Resource, Route, get, read, read_record};
use store::{Key, Listing, Org, Stored};

use crate::{
    OTHERS_PER_MINUTE,
    access::READERS,
    attribution::{Attribution, AttributionView, Brief},
    keys,
    total::Period,
    totals::{Count, Of},
};

/// The routes.
pub(crate) static ROUTES: &[Route] = &[
    Route {
        call: get("/").named("/attribution/list"),
        summary: "List attributions, newest first",
        class: Class::B,
        org: OrgFrom::Deployment,
        access: READERS,
        errors: &[Tag::PageTooDeep],
        handler: &read(list).limited_per_address(&OTHERS_PER_MINUTE).counting_as(List::weight),
    },
    Route {
        call: get("/{id}").named("/attribution/get"),
        summary: "Get an attribution",
        class: Class::B,
        org: OrgFrom::Deployment,
        access: READERS,
        errors: &[],
        handler: &read_record(get_one).limited_per_address(&OTHERS_PER_MINUTE),
    },
    Route {
        call: get("/mentor/{mentorId}").named("/attribution/by-mentor"),
        summary: "List the attributions of a mentor, newest first",
        class: Class::B,
        org: OrgFrom::Deployment,
        access: READERS,
        errors: &[Tag::PageTooDeep],
        handler: &read(list_of_mentor)
            .limited_per_address(&OTHERS_PER_MINUTE)
            .counting_as(ListOfMentor::weight),
    },
];

/// Which page.
#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// The number of the page.
    page: Number,
    /// How many records it holds; above 100 counts as 100. Page times limit is at most 10,000.
    limit: Length,
}

impl List {
    fn weight(&self) -> u32 {
        weight(self.page, self.limit)
    }
}

/// As how many requests a page counts: as many as it skips hundreds of records (referral §2). One that is too deep is
/// refused, and costs nothing more.
fn weight(page: Number, limit: Length) -> u32 {
    let skipped = Window::of(page, limit).map_or(0, Window::skip);
    u32::try_from(skipped / 100).unwrap_or(u32::MAX)
}

/// A page of attributions.
#[derive(Serialize, JsonSchema)]
struct Attributions {
    /// The records.
    data: Vec<AttributionView>,
    /// Where the page lies.
    pagination: Pagination,
}

async fn list(ctx: Ctx, input: List) -> Result<Answer<Attributions>> {
    let window = Window::of(input.page, input.limit)?;
    let org = ctx.org()?;
    let (records, pagination) =
        page(&ctx, org, &keys::attribution::newest_first(org), &Of::Org, window).await?;
    let data = records.iter().map(|record| Attribution::view(record, &ctx)).collect();
    Ok(Answer::new(Attributions { data, pagination }))
}

/// A page of a list with its total, which is not counted but read.
async fn page(
    ctx: &Ctx,
    org: &Org,
    listing: &Listing<Attribution>,
    of: &Of,
    window: Window,
) -> Result<(Vec<Stored<Attribution>>, Pagination)> {
    let total = keys::total::of_period(org, of, Period::AllTime);
    let (records, tallies) = ctx.numbered(listing, window.skip(), window.limit(), &total).await?;
    Ok((records, window.of_total(Count::of(&tallies.sum()).clicks)))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The attribution.
    id: AttributionId,
}

impl Names for Get {
    type Record = Attribution;

    fn key(&self, org: &Org) -> Key<Attribution> {
        keys::attribution::by_id(org, &self.id)
    }
}

async fn get_one(ctx: Ctx, _: Get, record: Stored<Attribution>) -> Result<Answer<AttributionView>> {
    ctx.show(&record)
}

/// Whose, and which page.
#[derive(Clone, Deserialize, JsonSchema)]
struct ListOfMentor {
    /// The mentor.
    #[serde(rename = "mentorId")]
    mentor_id: InPath,
    /// The number of the page.
    page: Number,
    /// How many records it holds; above 100 counts as 100. Page times limit is at most 10,000.
    limit: Length,
}

impl ListOfMentor {
    fn weight(&self) -> u32 {
        weight(self.page, self.limit)
    }
}

/// A page of a mentor's attributions.
#[derive(Serialize, JsonSchema)]
struct MentorAttributions {
    /// The records.
    data: Vec<Brief>,
    /// Where the page lies.
    pagination: Pagination,
}

async fn list_of_mentor(ctx: Ctx, input: ListOfMentor) -> Result<Answer<MentorAttributions>> {
    let window = Window::of(input.page, input.limit)?;
    let (org, mentor) = (ctx.org()?, input.mentor_id.named()?);
    let listing = keys::attribution::by_mentor(org, &mentor);
    let (records, pagination) = page(&ctx, org, &listing, &Of::Mentor(mentor), window).await?;
    let data = records.iter().map(|record| Brief::of(&record.record)).collect();
    Ok(Answer::new(MentorAttributions { data, pagination }))
}
