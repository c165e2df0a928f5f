// SPDX-License-Identifier: Apache-2.0

use super::*;

const GENESIS: Hash = [6; 32];

fn machine(key: u8) -> Sealer {
    Sealer::new(&[key; 32])
}

async fn close(custody: Custody) {
    let Custody { store, store_task, .. } = custody;
    drop(store);
    store_task.await.unwrap().unwrap();
}

/// Opens and closes. The account, and the losses before it.
async fn start(folder: &Path, sealer: &Sealer) -> ([u8; 32], u32) {
    let custody = Custody::open(folder, sealer, GENESIS).unwrap();
    let found = (custody.account.id(), custody.losses);
    close(custody).await;
    found
}

#[tokio::test]
async fn a_machine_whose_key_has_changed_begins_anew_and_keeps_what_it_cannot_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (first, _) = start(path, &machine(1)).await;
    assert_eq!(start(path, &machine(1)).await, (first, 0));
    let files = ["account", store::FILES[0]];
    let before = files.map(|name| fs::read(path.join(name)).unwrap());

    let (second, losses) = start(path, &machine(2)).await;
    assert_ne!(second, first);
    assert_eq!(losses, 1);
    assert_eq!(files.map(|name| fs::read(path.join("lost-1").join(name)).unwrap()), before);
    // It goes on with that.
    assert_eq!(start(path, &machine(2)).await, (second, 1));

    // Whoever has the machine of before can have what was lost back.
    for name in files {
        fs::rename(path.join("lost-1").join(name), path.join(name)).unwrap();
    }
    assert_eq!(start(path, &machine(1)).await.0, first);
}

#[tokio::test]
async fn a_corrupt_store_takes_its_account_along() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (first, _) = start(path, &machine(1)).await;
    let file = path.join(store::FILES[0]);
    let mut bytes = fs::read(&file).unwrap();
    bytes.truncate(5000);
    fs::write(&file, &bytes).unwrap();
    let (second, losses) = start(path, &machine(1)).await;
    assert_ne!(second, first);
    assert_eq!(losses, 1);
    assert_eq!(fs::read(path.join("lost-1").join(store::FILES[0])).unwrap().len(), 5000);
}

/// What a running enclave finds out, the next start knows.
#[tokio::test]
async fn a_store_that_was_found_corrupt_is_lost_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let custody = Custody::open(folder.path(), &machine(1), GENESIS).unwrap();
    let first = custody.account.id();
    custody.store.fail().await;
    assert!(custody.store_task.await.unwrap().is_err());
    let (second, losses) = start(folder.path(), &machine(1)).await;
    assert_ne!(second, first);
    assert_eq!(losses, 1);
    assert_eq!(start(folder.path(), &machine(1)).await, (second, 1));
}

/// An account of its own would hide what is lost; the one that is lost cannot be made again.
#[tokio::test]
async fn a_store_without_an_account_is_lost_and_an_account_without_a_store_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = start(folder.path(), &machine(1)).await;
    fs::remove_file(folder.path().join(store::FILES[0])).unwrap();
    assert_eq!(start(folder.path(), &machine(1)).await, (first, 0));
    fs::remove_file(folder.path().join("account")).unwrap();
    let (second, losses) = start(folder.path(), &machine(1)).await;
    assert_ne!(second, first);
    assert_eq!(losses, 1);
}

/// A crash at each point of putting aside: one more account, and no start that fails.
#[tokio::test]
async fn a_crash_while_losses_are_put_aside_is_one_loss_more_at_most() {
    for moved in 0..=ORDER.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let custody = Custody::open(path, &machine(1), GENESIS).unwrap();
        let first = custody.account.id();
        custody.store.fail().await;
        assert!(custody.store_task.await.unwrap().is_err());
        fs::create_dir(path.join("lost-1")).unwrap();
        for name in &ORDER[..moved] {
            fs::rename(path.join(name), path.join("lost-1").join(name)).unwrap();
        }
        let (second, losses) = start(path, &machine(1)).await;
        assert_ne!(second, first);
        assert_eq!(losses, if moved == ORDER.len() { 1 } else { 2 }, "{moved}");
        assert_eq!(start(path, &machine(1)).await, (second, losses));
    }
}

#[tokio::test]
async fn losses_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    for key in 0..=16 {
        start(folder.path(), &machine(key)).await;
    }
    let error = Custody::open(folder.path(), &machine(17), GENESIS).err().unwrap();
    assert!(matches!(error, CustodyError::TooManyLosses(_)), "{error}");
    // What is there still opens where it belongs.
    assert_eq!(start(folder.path(), &machine(16)).await.1, MAX_LOSSES);
}

#[tokio::test]
async fn another_chain_is_an_error_and_no_loss() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = start(folder.path(), &machine(1)).await;
    let error = Custody::open(folder.path(), &machine(1), [7; 32]).err().unwrap();
    assert!(matches!(error, CustodyError::Store(StoreError::AnotherChain)), "{error}");
    assert_eq!(crate::RunError::from(error).exit_code(), 3);
    assert_eq!(start(folder.path(), &machine(1)).await, (first, 0));
}

/// The first file that a first start writes is the account's: half of it is not taken for one.
#[tokio::test]
async fn f33_a_start_that_broke_off_is_no_loss() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("account.new"), b"half").unwrap();
    let (first, losses) = start(folder.path(), &machine(1)).await;
    assert_eq!(losses, 0);
    assert_eq!(start(folder.path(), &machine(1)).await, (first, 0));
}
