//! Plan, journal, stage, audit, publish.
