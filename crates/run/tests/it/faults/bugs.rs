//! What these tests found. Kept by hand, beside the mending.

/// One sentence each, as a user would have met it.
pub(crate) const BUGS: &[&str] = &[
    "A folder of the store that was there counted as durable, also when whoever made it had failed or ended before its \
     name was synced: a power cut soon after could take a published version whole.",
    "The same of the project's private folder, and the catalog in it.",
    "The probe of a store's leave to write, `.write-probe-…`, stayed for ever when removing it failed or the process \
     ended before; nothing removed it, `gc` neither.",
];
