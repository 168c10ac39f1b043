//! Tells people of holds, failures and lateness: what the journal and the audit log say becomes messages in a durable
//! outbox, and the outbox is emptied by HTTP.
//!
//! It owns what is worth telling to whom, the forms of messages ([Slack's](https://docs.slack.dev/messaging/formatting-message-text)
//! blocks, and a JSON of our own), when an attempt is made again, and the client that sends. It does not know how runs come
//! about, nor any server: it reads the catalog, and can be told by [`Outbox::waker`] that there is something to read.
//!
//! Main types: [`Outbox`], [`OutboxOptions`], [`Timing`].
//!
//! # What is promised
//! * **Nothing is lost.** Messages are recorded in the transaction that says how far the logs were read.
//! * **Nothing is told anew.** A message's id is a hash of what it tells and of whom it tells: a version that is held is told
//!   once, however often it is looked at and by however many processes; so is an asset that is late, until it is not.
//! * **At least once.** A message whose answer is lost, by a crash or a time-out, is sent again, with the same
//!   `Idempotency-Key`, so that a receiver can drop the second one.
//! * **In order** for each receiver, as long as it answers. One that is down is asked once in a while, not once a message.
//! * **Not for ever.** A message that cannot be delivered is given up after 12 attempts or a day, at once when it is refused.
//!   What happened more than a day before it is read is not told: whoever starts a server after a month has no use for it.
//!
//! # The webhook's JSON
//! `POST`, `content-type: application/json`, `idempotency-key: ID`. Keys are only ever added.
//!
//! | key | value |
//! | --- | --- |
//! | `id` | the same as the `Idempotency-Key` |
//! | `event` | `held`, `failed` or `late` |
//! | `at` | when it happened, RFC 3339 |
//! | `project`, `environment` | whose |
//! | `asset` | `schema.table`; null for a run that failed as a whole |
//! | `version` | the held version's number, else null |
//! | `readers_see` | the number of the version that readers see meanwhile; null when there is none, or it is not known |
//! | `run` | the run's id; null when it is not known |
//! | `owner` | the asset's owner, or null |
//! | `checks` | what failed: `name`, `kind`, `state`, `failing`, `total`, `share` (0 to 1), `message`; no rows |
//! | `message` | all of it in a sentence |
//! | `next` | the command to type next |
//! | `url` | the page that shows it; null when the server was not told its own address |
//!
//! # Cost
//! [`Outbox::collect`] is a few look-ups and linear in what is new; with nothing new it writes nothing. A message is a row, one
//! sync to make it, one to claim it with others, and one to settle it. At rest, two looks a minute.

mod backoff;
mod collect;
mod deliver;
mod error;
mod faults;
mod form;
mod news;
mod outbox;
mod send;

pub use deliver::Delivered;
pub use error::{Result, WatchError};
pub use faults::FAULT_POINTS;
pub use outbox::{Outbox, OutboxOptions, Timing};
