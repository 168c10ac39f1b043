//! Leases: one process changes an asset at a time, and one that stood still too long is fenced off.

/// A lease that was taken. The epoch is the fencing token: it rises with every change of hands and never falls,
/// also over releases, so that whoever presents an old one is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub key: String,
    /// Unique to a worker process; two workers with one name would not be told apart by people, but still by epoch.
    pub holder: String,
    pub epoch: u64,
}

/// What came of asking for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseAttempt {
    Taken(Lease),
    /// Somebody has it. An observer who sees `epoch` and `beat` unchanged for longer than the time-out, on its own
    /// monotonic clock, may steal it.
    Held {
        holder: String,
        epoch: u64,
        beat: u64,
    },
}
