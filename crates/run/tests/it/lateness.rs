use chrono::{TimeZone, Utc};
use lockgate_types::RunState;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_source_without_news_is_late_and_readers_keep_what_they_have() {
    let world = World::new(&[
        ("data/weather.csv", "hour,temp\n2013-12-30 22:00:00,1\n2013-12-30 23:00:00,2\n"),
        (
            "assets/raw/weather.yml",
            "kind: source\nread: { path: data/weather.csv }\ncolumns: { hour: timestamp, temp: double }\nchecks:\n  - fresh: { hour: 12h }\n",
        ),
        ("assets/mart/daily.sql", "select count(*) as hours from raw.weather\n"),
    ]);
    let first = world.run_as_of(Utc.with_ymd_and_hms(2013, 12, 31, 0, 0, 0).unwrap()).await;
    assert_eq!(first.state, RunState::Done, "{first:#?}");

    let later = world.run_as_of(Utc.with_ymd_and_hms(2014, 1, 1, 5, 0, 0).unwrap()).await;
    assert_eq!(later.state, RunState::Held);
    assert_eq!(later.late.len(), 1);
    assert_eq!(later.late[0].0.to_string(), "raw.weather");
    let (workspace, graph) = world.opened().await;
    let status = workspace.status(&graph).await.unwrap();
    assert_eq!(status.exit_code(), 3);
    let mart = status.assets.iter().find(|asset| asset.name.to_string() == "mart.daily").unwrap();
    assert_eq!(mart.behind, ["raw.weather".parse().unwrap()]);
    drop(workspace);

    world.write("data/weather.csv", "hour,temp\n2013-12-30 23:00:00,2\n2014-01-01 04:00:00,3\n");
    let healed = world.run_as_of(Utc.with_ymd_and_hms(2014, 1, 1, 6, 0, 0).unwrap()).await;
    assert_eq!(healed.state, RunState::Done);
    assert!(healed.late.is_empty());
}
