//! Reads of many records.

use contract::{error::Tag, paging::Limit};
use proptest::prelude::*;
use store::{Batch, Order, Page, Stored};
use testkit::{
    World, database,
    proxy::{Fault, Operation, Proxy, When},
};

use crate::thing::{Thing, add, by_rank, key};

const COLOURS: [&str; 3] = ["red", "green", "blue"];

/// Walks a list to its end. Every page but the last must be full, and the same as one that is put together from all
/// things that there are.
async fn walk(world: &World, colours: &[&str], order: Order, size: usize, all: &[Stored<Thing>]) -> Vec<u32> {
    let list = by_rank(&world.org, colours, order);
    let limit = Limit::clamp(i64::try_from(size).expect("a size"));
    let (mut ranks, mut position) = (Vec::new(), None::<String>);
    loop {
        let page = world.store().page(&list, position.as_deref(), limit).await.expect("a page");
        let made = Page::of_some(&list, &world.org, all.to_vec(), position.as_deref(), limit);
        let things =
            |page: &Page<Thing>| page.records.iter().map(|stored| stored.record.clone()).collect::<Vec<_>>();
        assert_eq!((things(&made), &made.position), (things(&page), &page.position));
        let again = || by_rank(&world.org, colours, order).of_anything();
        let ahead = world.store().ahead(again(), position.clone(), limit).await.expect("a page");
        assert!(ahead.is(&list, position.as_deref(), limit) && !ahead.is(&list, Some("elsewhere"), limit));
        let read = ahead.page(&list).expect("records");
        assert_eq!((things(&read), &read.position), (things(&page), &page.position));
        ranks.extend(page.records.iter().map(|stored| stored.record.rank));
        match page.position {
            Some(next) => {
                assert_eq!(page.records.len(), size, "a page is full unless it is the last");
                position = Some(next);
            }
            None => return ranks,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_list_is_walked_once_in_order_whatever_the_pages(
        things in prop::collection::vec((0..COLOURS.len(), 0u32..12), 0..30),
        size in 1usize..9,
        descending: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let mut change = world.change();
            let added = things.iter().map(|(colour, rank)| add(&world, &mut change, COLOURS[*colour], *rank));
            let all: Vec<_> = added.collect();
            world.commit(change).await;
            let order = if descending { Order::Descending } else { Order::Ascending };
            let mut expected: Vec<u32> =
                things.iter().filter(|(colour, _)| *colour != 1).map(|(_, rank)| *rank).collect();
            expected.sort_unstable();
            if descending {
                expected.reverse();
            }
            let walked = walk(&world, &["red", "blue"], order, size, &all).await;
            assert_eq!(walked, expected);
        });
    }
}

/// Whether pages begin with what was read ahead or not, they are the same.
#[tokio::test]
async fn what_passes_a_test_fills_pages_however_far_it_lies_apart() {
    let world = World::new().await;
    for part in 0..8 {
        let mut change = world.change();
        for rank in 0..40 {
            add(&world, &mut change, COLOURS[usize::from(rank % 2 == 0)], part * 40 + rank);
        }
        world.commit(change).await;
    }
    let list = by_rank(&world.org, &COLOURS, Order::Ascending);
    // None of the last 20 passes, so that the last page cannot be told by what is left of the list.
    let passes = |thing: &Thing| thing.rank.is_multiple_of(50);
    let (mut pages, mut position) = (Vec::new(), None::<String>);
    loop {
        let limit = Limit::clamp(3);
        let read = by_rank(&world.org, &COLOURS, Order::Ascending).of_anything();
        let ahead = world.store().ahead(read, position.clone(), limit).await;
        assert!(ahead.is_some());
        let with = world.store().page_where(&list, position.as_deref(), limit, passes, ahead).await.unwrap();
        let page = world.store().page_where(&list, position.as_deref(), limit, passes, None).await.unwrap();
        assert_eq!(with.position, page.position);
        assert_eq!(with.records.len(), page.records.len());
        pages.push(page.records.iter().map(|stored| stored.record.rank).collect::<Vec<_>>());
        position = page.position;
        if position.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec![0, 50, 100], vec![150, 200, 250], vec![300]]);
}

#[tokio::test]
async fn what_a_batch_leaves_out_is_asked_for_again() {
    let world = World::new().await;
    let mut change = world.change();
    let things: Vec<_> = (0..3).map(|rank| add(&world, &mut change, "red", rank)).collect();
    world.commit(change).await;
    let proxy = Proxy::start(database::endpoint()).unwrap();
    proxy.inject(Fault::Unprocessed, When::nth(1).of(Operation::BatchGetItem));
    let store = store::Store::new(database::client(proxy.endpoint()), database::table());
    let mut batch = Batch::default();
    for thing in &things {
        batch.want(&key(&world.org, thing.record.guid));
    }
    let found = store.read(batch).await.unwrap();
    for thing in &things {
        assert_eq!(found.get(&key(&world.org, thing.record.guid)).unwrap().unwrap().record, thing.record);
    }
    assert_eq!(proxy.count(&Operation::BatchGetItem), 2);
}

#[tokio::test]
async fn a_table_that_does_not_answer_a_read_is_unavailable() {
    let world = World::new().await;
    let proxy = Proxy::start(database::endpoint()).unwrap();
    proxy.inject(Fault::ThroughputExceeded, When::always());
    let store = store::Store::new(database::client(proxy.endpoint()), database::table());
    let list = by_rank(&world.org, &COLOURS, Order::Ascending);
    assert_eq!(store.page(&list, None, Limit::DEFAULT).await.unwrap_err().tag(), Tag::Unavailable);
}
