//! Sources: files in many formats.
