//! SQL transforms.
