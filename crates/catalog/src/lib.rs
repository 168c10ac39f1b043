//! What is known: assets, versions, runs, checks, audit.
