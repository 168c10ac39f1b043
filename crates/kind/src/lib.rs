//! The traits a kind of asset implements.
