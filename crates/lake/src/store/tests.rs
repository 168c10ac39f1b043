#![allow(clippy::unwrap_used)] // Tests may.

use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::Store;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::local(folder.path(), Arc::default()).unwrap();
    (folder, store)
}

#[tokio::test]
async fn creating_twice_keeps_the_first() {
    let (folder, store) = store();
    let path = Path::from("a/b/c.json");
    assert!(store.create(&path, Bytes::from("one")).await.unwrap());
    assert!(!store.create(&path, Bytes::from("two")).await.unwrap());
    assert_eq!(store.get(&path).await.unwrap().unwrap(), "one");
    store.replace(&path, Bytes::from("three")).await.unwrap();
    assert_eq!(store.get(&path).await.unwrap().unwrap(), "three");
    let names: Vec<_> = std::fs::read_dir(folder.path().join("a/b")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["c.json"], "no temporary file stays");
}

#[tokio::test]
async fn of_many_creators_one_wins_and_its_bytes_are_whole() {
    let (_folder, store) = store();
    let path = Path::from("log/0.json");
    let creators = (0..16_u8).map(|at| {
        let (store, path) = (store.clone(), path.clone());
        async move { store.create(&path, Bytes::from(vec![at; 100_000])).await.unwrap() }
    });
    let created = futures::future::join_all(creators).await;
    assert_eq!(created.into_iter().filter(|created| *created).count(), 1);
    let bytes = store.get(&path).await.unwrap().unwrap();
    assert!(bytes.len() == 100_000 && bytes.iter().all(|byte| *byte == bytes[0]));
}

#[tokio::test]
async fn parts_of_an_upload_appear_together() {
    let (folder, store) = store();
    let path = Path::from("log/9.checkpoint.parquet");
    let mut upload = store.objects().put_multipart(&path).await.unwrap();
    for part in ["one ", "two ", "three"] {
        upload.put_part(Bytes::from(part).into()).await.unwrap();
        assert!(!store.exists(&path).await.unwrap());
    }
    upload.complete().await.unwrap();
    assert_eq!(store.get(&path).await.unwrap().unwrap(), "one two three");
    let mut aborted = store.objects().put_multipart(&Path::from("log/other")).await.unwrap();
    aborted.put_part(Bytes::from("x").into()).await.unwrap();
    aborted.abort().await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path().join("log")).unwrap().count(), 1);
}

#[tokio::test]
async fn names_and_folders_come_and_go() {
    let (_folder, store) = store();
    assert!(store.names(&Path::from("none")).await.unwrap().is_empty());
    store.create(&Path::from("t/one/file"), Bytes::new()).await.unwrap();
    store.create(&Path::from("t/two"), Bytes::new()).await.unwrap();
    let mut names = store.names(&Path::from("t")).await.unwrap();
    names.sort();
    assert_eq!(names, ["one", "two"]);
    store.remove_folder(&Path::from("t/one")).await.unwrap();
    store.remove_folder(&Path::from("t/one")).await.unwrap();
    assert_eq!(store.names(&Path::from("t")).await.unwrap(), ["two"]);
}
