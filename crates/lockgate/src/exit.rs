//! Exit codes, and what ends a command early.

use std::io;
use std::process::ExitCode;

use lockgate_types::{Diagnostic, Diagnostics};

use crate::codes::{OUTPUT, SYSTEM};

/// How a command ended; the worst of several wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// 0, warnings included.
    Done,
    /// 4: `plan --detailed-exitcode` found something to do.
    Changes,
    /// 3: something is held or late.
    Held,
    /// 1: something failed.
    Failed,
    /// 2: wrong usage or an invalid project.
    Usage,
    /// 130: Ctrl-C or SIGTERM.
    Interrupted,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Changes => 4,
            Exit::Held => 3,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// To be shown.
    Diagnostics {
        diagnostics: Diagnostics,
        exit: Exit,
    },
    /// Nobody reads stdout any more, which is theirs to decide: `lockgate status | head`.
    ClosedPipe,
    Interrupted,
}

impl Failure {
    /// The person's words or project are wrong.
    pub(crate) fn usage(diagnostic: Diagnostic) -> Self {
        Failure::Diagnostics { diagnostics: diagnostic.into(), exit: Exit::Usage }
    }

    /// The doing of it went wrong.
    pub(crate) fn failed(diagnostic: Diagnostic) -> Self {
        Failure::Diagnostics { diagnostics: diagnostic.into(), exit: Exit::Failed }
    }

    /// The system has no thread, no memory or no signal handler to give.
    pub(crate) fn system(error: &io::Error) -> Self {
        Failure::failed(Diagnostic::error(&SYSTEM, format!("the system refuses a resource: {error}")))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::ClosedPipe;
        }
        Failure::failed(Diagnostic::error(&OUTPUT, format!("the output cannot be written: {error}")))
    }
}

/// What a command answers.
pub(crate) type Outcome = Result<Exit, Failure>;
