//! The kinds of assets that this build has, and everyone's diagnostics: one line each.

use std::sync::Arc;

use lockgate_kind::Kind;
use lockgate_types::Code;

/// A new kind is one crate and one line here.
pub(crate) fn kinds() -> Vec<Arc<dyn Kind>> {
    vec![lockgate_connect::kind(), lockgate_transform::kind(), lockgate_forecast::kind()]
}

/// Every diagnostic, by code.
pub(crate) fn all_codes() -> Vec<&'static Code> {
    let mut codes: Vec<&'static Code> = [
        lockgate_project::CODES,
        lockgate_catalog::CODES,
        lockgate_lake::CODES,
        lockgate_engine::CODES,
        lockgate_checks::CODES,
        lockgate_connect::CODES,
        lockgate_transform::CODES,
        lockgate_forecast::CODES,
        lockgate_run::CODES,
        lockgate_server::CODES,
        lockgate_server::WIRE_CODES,
        crate::codes::CODES,
    ]
    .concat();
    codes.sort_by_key(|code| code.id);
    codes
}
