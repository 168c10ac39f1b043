//! The durable steps that tests make fail.

use lockgate_types::FaultPoint;

/// Two points around one commit: before it nothing has happened, after it only the answer is lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around {
    pub(crate) before: FaultPoint,
    pub(crate) after: FaultPoint,
}

/// Operations that are counted: of a whole run, any one can be made to fail.
pub const COUNTED: &[FaultPoint] = &[READ, WRITE];

pub(crate) const READ: FaultPoint = FaultPoint { name: "catalog.read", means: "one question to the catalog" };
pub(crate) const WRITE: FaultPoint =
    FaultPoint { name: "catalog.write", means: "one change of the catalog, or its opening" };

macro_rules! around {
    ($(#[$doc:meta])* $list:ident: $($name:ident = $text:literal, $what:literal;)*) => {
        $(pub(crate) const $name: Around = Around {
            before: FaultPoint { name: concat!("catalog.", $text, ".before"), means: concat!("nothing is recorded yet: ", $what) },
            after: FaultPoint { name: concat!("catalog.", $text, ".after"), means: concat!("recorded, but the answer is lost: ", $what) },
        };)*
        $(#[$doc])*
        pub const $list: &[FaultPoint] = &[$($name.before, $name.after),*];
    };
}

around! {
    /// Every fault point of [`crate::Catalog`], in the order of a version's life.
    FAULT_POINTS:
    LEASE = "lease", "a lease is taken";
    STEAL = "steal", "a lease is taken over";
    RELEASE = "release", "a lease is given back";
    CREATE_RUN = "create_run", "a run and its tasks";
    RESERVE = "reserve", "a version number";
    PUT_STAGED = "put_staged", "a staged version";
    SET_AUDITED = "set_audited", "what the checks said";
    HOLD = "hold", "a held version";
    BEGIN_PUBLISHING = "begin_publishing", "the intent to publish";
    SET_BASE = "set_base", "another base of a publication";
    WITHDRAW = "withdraw", "a publication is withdrawn";
    FINISH_PUBLISHING = "finish_publishing", "the switch of what is live";
    ABANDON = "abandon", "a failed or dismissed version";
    EXPIRE = "expire", "expired versions";
    RESTORE = "restore", "versions that were found in the store";
    SET_CODE = "set_code", "the code that was published from";
    SUPPRESS = "suppress", "a suppression";
    SET_TASK = "set_task", "a task's progress";
    EVENTS = "events", "events of the journal";
    BEAT = "beat", "a heartbeat";
    LATE = "late", "an asset's lateness";
    CACHE = "cache", "plans for later";
    AUDIT = "audit", "a line of the audit log";
    END_RUN = "end_run", "the end of a run";
}

around! {
    /// Those that only a server passes: the ones of [`crate::ServiceCatalog`].
    SERVICE_FAULT_POINTS:
    ADD_TOKEN = "add_token", "a token";
    REVOKE_TOKEN = "revoke_token", "the end of a token";
    TOKEN_USED = "token_used", "when a token was used";
    CLAIM_DUE = "claim_due", "the time at which a schedule was due";
    SCHEDULE_RAN = "schedule_ran", "the run of a schedule";
    PAUSE_SCHEDULE = "pause_schedule", "a schedule is paused or resumed";
    ADD_DELIVERIES = "add_deliveries", "messages of the outbox";
    CLAIM_DELIVERIES = "claim_deliveries", "messages are taken to be sent";
    SETTLE_DELIVERY = "settle_delivery", "how an attempt to send came out";
    TELL = "tell", "messages, and how far the outbox has read";
    CLAIM_ANSWER = "claim_answer", "the key of a request";
    KEEP_ANSWER = "keep_answer", "the answer to a request";
    FORGET_ANSWER = "forget_answer", "the key of a request is given back";
}
