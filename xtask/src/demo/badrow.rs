//! The bad row: a sign turns, the mart is held, readers keep the last good version, the row is mended.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::copy_project;
use crate::terminal::{heading, say, seconds};
use crate::tool::{Lockgate, text};

const READERS: &str = "select * from mart.revenue order by customer";

pub(super) fn play(binary: &Path, example: &Path, copy: &Path) -> Result<()> {
    let started = Instant::now();
    heading("The bad row");
    copy_project(example, copy)?;
    let lockgate = Lockgate::new(binary, copy);

    say("A shop sends its orders every night; finance reads mart.revenue.");
    arrive(copy, "1-good.csv")?;
    lockgate.show(&["run"], &[0])?;
    lockgate.show(&["query", READERS], &[0])?;
    let before = revenue(&lockgate)?;

    say("The next night, the sign of order 1004 has turned.");
    arrive(copy, "2-bad.csv")?;
    lockgate.show(&["run"], &[3])?;
    say("Readers still see yesterday's good rows:");
    lockgate.show(&["query", READERS], &[0])?;
    let during = revenue(&lockgate)?;
    ensure!(during == before, "readers should still see {before} for margaret, but they see {during}");

    say("What is held, and which rows failed?");
    lockgate.show(&["status"], &[3])?;
    lockgate.show(&["show", "mart.revenue", "--held"], &[0])?;
    lockgate.show(&["diff", "mart.revenue", "--held"], &[0])?;
    lockgate.show(&["query", "select * from raw.orders where amount < 0"], &[0])?;

    say("The row is mended at its source; the next run publishes by itself.");
    arrive(copy, "3-fixed.csv")?;
    lockgate.show(&["run"], &[0])?;
    lockgate.show(&["query", READERS], &[0])?;
    lockgate.show(&["status"], &[0])?;
    let after = revenue(&lockgate)?;
    ensure!(after == before, "margaret should stand at {before} again, but she stands at {after}");
    let orders = text(&lockgate.row("select sum(orders) as orders from mart.revenue")?, "orders")?;
    println!(
        "\n✓ the bad row was never seen; {orders} orders are published{:>30}",
        seconds(started.elapsed().as_secs_f64())
    );
    Ok(())
}

/// What readers see for the customer whose row turns bad.
fn revenue(lockgate: &Lockgate) -> Result<String> {
    let sql = "select cast(revenue as varchar) as revenue from mart.revenue where customer = 'margaret'";
    text(&lockgate.row(sql)?, "revenue")
}

fn arrive(copy: &Path, step: &str) -> Result<()> {
    println!("\n$ cp steps/{step} data/orders.csv");
    fs::create_dir_all(copy.join("data"))?;
    fs::copy(copy.join("steps").join(step), copy.join("data/orders.csv")).with_context(|| format!("no {step}"))?;
    Ok(())
}
