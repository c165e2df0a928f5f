// SPDX-License-Identifier: Apache-2.0
//! What it takes to fill a slot, against copying the same bytes between two databases: `make
//! bench-sync`. Two enclaves in this process over a scripted chain, with real HTTP between them.

use std::time::Instant;

use futures::{stream, StreamExt};
use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use super::{fill::KEPT_AT_ONCE, *};
use crate::store::CACHE;

/// Length of a share of the published clients, in bytes.
const SHARE_LEN: usize = 2700;

const TABLE: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("shares");

/// Copies as many bytes between two files, durable as often as an enclave makes them, and with as much
/// memory for pages as its store has. How long that took, and how much of the processor's time.
fn copy(count: u32) -> (Duration, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        redb::Database::builder().set_cache_size(CACHE).create(folder.path().join(name)).unwrap()
    };
    let from = open("from");
    let transaction = from.begin_write().unwrap();
    {
        let mut table = transaction.open_table(TABLE).unwrap();
        for id in 0..count {
            table.insert(id, [5; SHARE_LEN].as_slice()).unwrap();
        }
    }
    transaction.commit().unwrap();
    drop(from);
    let (from, to) = (open("from"), open("to"));
    let (clock, before) = (Instant::now(), cpu());
    let reading = from.begin_read().unwrap();
    let table = reading.open_table(TABLE).unwrap();
    let mut entries = table.iter().unwrap().peekable();
    while entries.peek().is_some() {
        let transaction = to.begin_write().unwrap();
        {
            let mut table = transaction.open_table(TABLE).unwrap();
            for entry in entries.by_ref().take(KEPT_AT_ONCE) {
                let (id, share) = entry.unwrap();
                table.insert(id.value(), share.value()).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
    (clock.elapsed(), cpu() - before)
}

/// The processor's time that this process has taken.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // Fields 14 and 15, in hundredths of a second; the second field, in brackets, can have blanks.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: make bench-sync"]
async fn a_slot_is_filled() {
    let count: u32 =
        std::env::var("SHARES").map_or(100_000, |shares| shares.parse().expect("a number"));
    let mut world = World::new().await;
    let share = vec![5; SHARE_LEN];
    stream::iter(0..count)
        .for_each_concurrent(256, |nft_id| {
            let (store, share) = (&world.giver.store, &share);
            async move {
                let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
                let key = RecordKey { version, split: [1; 16] };
                let new = NewShare {
                    key,
                    share: Zeroizing::new(share.clone()),
                    owner: [7; 32],
                    slot_id: SLOT,
                    token_block: 1,
                    stored_at: 1,
                    time: 1,
                    is_bound: false,
                };
                store.store(new).await.unwrap().unwrap();
                store.activate(key, 9).await.unwrap();
            }
        })
        .await;
    for nft_id in 0..count {
        let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
        world.is_synced(&version);
    }
    let (url, _server) = serve(world.giver.router(&world.chain)).await;
    world.giver.join(&world.chain, ClusterType::Public, SLOT, &url);
    let (mut syncer, mut progress) = world.taker.syncer(&world.chain);
    world.chain.finalize(11);
    world.giver.view(11).await;
    world.chain.finalize(12);
    let view = world.taker.view(12).await;
    let (clock, before) = (Instant::now(), cpu());
    // As a task, as in the service. When the slot is filled, it goes on with the view logs.
    let filling = tokio::spawn(async move { while syncer.step(&view).await.unwrap() {} });
    let is_scanned = |known: &Progress| known.state.cursor == u64::from(count);
    progress.wait_for(is_scanned).await.unwrap();
    let scanned = clock.elapsed();
    progress.wait_for(|known| known.state.is_filled).await.unwrap();
    let (took, busy) = (clock.elapsed(), cpu() - before);
    assert_eq!(world.taker.store.count_wanted().unwrap(), 0);

    filling.await.unwrap();

    // How long it takes depends on what the kernel and the allocator have at hand.
    let copies = [(); 3].map(|()| copy(count));
    println!("copies took {copies:.2?}");
    let (copied, copying) = copies.into_iter().min().unwrap();
    let megabytes = f64::from(count) * SHARE_LEN as f64 / 1e6;
    println!(
        "{count} shares of {SHARE_LEN} bytes: filled in {:.2} s ({:.2} s to find what is missing, {:.2} s \
         of processor time), {:.1} MB/s; copied between two databases in {:.2} s ({:.2} s of processor \
         time): {:.2} x",
        took.as_secs_f64(),
        scanned.as_secs_f64(),
        busy.as_secs_f64(),
        megabytes / took.as_secs_f64(),
        copied.as_secs_f64(),
        copying.as_secs_f64(),
        took.as_secs_f64() / copied.as_secs_f64(),
    );
}
