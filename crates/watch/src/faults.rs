//! The durable steps that tests make fail. The catalog has its own around each of its transactions.

use lockgate_types::FaultPoint;

/// Every fault point of this crate, in the order of a message's life.
pub const FAULT_POINTS: &[FaultPoint] = &[BEFORE_TELL, AFTER_TELL, BEFORE_SEND, AFTER_SEND, AFTER_SETTLE];

pub(crate) const BEFORE_TELL: FaultPoint =
    FaultPoint { name: "watch.before_tell", means: "the logs are read, and no message is recorded yet" };
pub(crate) const AFTER_TELL: FaultPoint =
    FaultPoint { name: "watch.after_tell", means: "the messages are recorded, none is claimed" };
pub(crate) const BEFORE_SEND: FaultPoint =
    FaultPoint { name: "watch.before_send", means: "a message is claimed, and not sent yet" };
pub(crate) const AFTER_SEND: FaultPoint =
    FaultPoint { name: "watch.after_send", means: "a message is sent and answered, and that is not recorded yet" };
pub(crate) const AFTER_SETTLE: FaultPoint =
    FaultPoint { name: "watch.after_settle", means: "what became of a message is recorded" };
