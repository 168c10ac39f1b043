//! Commands that the design names and this build does not have.

use lockgate_types::Diagnostic;

use crate::codes::NOT_BUILT;
use crate::exit::{Failure, Outcome};

/// Refuses a command.
pub(crate) fn refuse(command: &str) -> Outcome {
    Err(Failure::usage(
        Diagnostic::error(&NOT_BUILT, format!("`lockgate {command}` is not built yet"))
            .hint("`lockgate --help` lists the commands of this build"),
    ))
}
