//! Ctrl-C and SIGTERM: the first one asks the command to stop, the second one stops it.

use std::io;

use crate::context::Context;
use crate::exit::Exit;

/// Listens from now on, on a thread of its own: the runtime's workers may all be busy with rows when the signal comes.
///
/// The signals are caught when this returns. `ends_by_itself` says whether the command stops its work when
/// [`Context::cancel`] asks it to.
///
/// # Errors
/// The system's, when it has no thread or no signal handler to give.
pub(crate) fn listen(context: &Context, ends_by_itself: bool) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::catch()?
    };
    let context = context.clone();
    // It ends with the process.
    std::thread::Builder::new().name("interrupts".to_owned()).spawn(move || {
        runtime.block_on(async {
            signals.next().await;
            if ends_by_itself {
                context.terminal.note("stopping: what is being built is discarded; Ctrl-C again stops at once");
            }
            context.cancel.cancel();
            signals.next().await;
        });
        std::process::exit(i32::from(Exit::Interrupted.code()));
    })?;
    Ok(())
}

/// The signals that ask to stop.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(unix)]
impl Signals {
    fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Signals { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    async fn next(&mut self) {
        self.interrupt.recv().await;
    }
}
