//! Tables on object storage: stage, commit, read a file list.
