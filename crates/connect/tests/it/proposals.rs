//! What `init --from` proposes.
