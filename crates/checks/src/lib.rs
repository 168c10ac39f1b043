//! Checks and profiles compiled to fused scans, and judged.
