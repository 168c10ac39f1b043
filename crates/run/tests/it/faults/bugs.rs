//! What these tests found. Kept by hand, beside the mending.

/// One sentence each, as a user would have met it.
pub(crate) const BUGS: &[&str] = &[];
