//! Published tables over the Postgres wire protocol.
