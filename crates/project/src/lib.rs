//! A folder of files becomes a typed project, with diagnostics.
