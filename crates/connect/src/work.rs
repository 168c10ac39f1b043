//! Work on several threads, off the runtime.

use std::num::NonZero;

use crate::error::ConnectError;

/// Runs `work` on `threads` threads and waits for all; the first error wins. A decoder that panics is an error, not
/// the end of the process.
pub(crate) fn across<T: Send>(
    threads: usize,
    work: impl Fn(usize) -> Result<T, ConnectError> + Sync,
) -> Result<Vec<T>, ConnectError> {
    let results: Vec<Result<T, ConnectError>> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads.max(1))
            .map(|worker| {
                let work = &work;
                std::thread::Builder::new()
                    .name(format!("read-{worker}"))
                    .spawn_scoped(scope, move || work(worker))
                    .map_err(|error| ConnectError::Broken { what: format!("a thread could not be started: {error}") })
            })
            .collect();
        started
            .into_iter()
            .map(|thread| {
                thread?.join().unwrap_or_else(|panic| {
                    let words = panic
                        .downcast_ref::<String>()
                        .map(String::as_str)
                        .or_else(|| panic.downcast_ref::<&str>().copied())
                        .unwrap_or("no words");
                    Err(ConnectError::Broken { what: format!("a reader stopped: {words}") })
                })
            })
            .collect()
    });
    // An interruption is often the echo of another worker's error.
    let mut results: Vec<Result<T, ConnectError>> = results;
    if let Some(at) =
        results.iter().position(|result| matches!(result, Err(error) if !matches!(error, ConnectError::Interrupted)))
    {
        results.swap(0, at);
    }
    results.into_iter().collect()
}

/// As many threads as there are cores, where nothing says how many.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
