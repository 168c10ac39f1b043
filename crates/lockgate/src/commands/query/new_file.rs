//! A file that is whole or is not there.

use std::io;
use std::path::{Path, PathBuf};

use lockgate_types::Diagnostic;
use tempfile::NamedTempFile;

use super::format::Out;
use crate::codes::CANNOT_WRITE;
use crate::exit::Failure;

/// A file being written beside its place, to be renamed at the end.
#[derive(Debug)]
pub(crate) struct NewFile {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    pub(crate) fn beside(path: &Path) -> Result<Self, Failure> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            let message = format!("{} cannot be written: there is no folder {}", path.display(), folder.display());
            return Err(Failure::failed(Diagnostic::error(&CANNOT_WRITE, message)));
        }
        let temporary = tempfile::Builder::new().prefix(".lockgate-").tempfile_in(folder);
        Ok(NewFile { temporary: temporary.map_err(|error| cannot(path, error))?, path: path.to_owned() })
    }

    pub(crate) fn writer(&self) -> Result<Out<'static>, Failure> {
        let file = self.temporary.as_file().try_clone().map_err(|error| self.cannot(error))?;
        Ok(Box::new(io::BufWriter::new(file)))
    }

    /// Puts it in its place. The writer has been flushed.
    pub(crate) fn put(self) -> Result<(), Failure> {
        let NewFile { temporary, path } = self;
        temporary.as_file().sync_all().map_err(|error| cannot(&path, error))?;
        // A temporary file is private; what was asked for has the rights that files have here.
        #[cfg(unix)]
        readable(temporary.path()).map_err(|error| cannot(&path, error))?;
        temporary.persist(&path).map_err(|error| cannot(&path, error.error))?;
        Ok(())
    }

    pub(crate) fn cannot(&self, error: io::Error) -> Failure {
        cannot(&self.path, error)
    }
}

fn cannot(path: &Path, error: io::Error) -> Failure {
    // Without the name of the temporary file, which says nothing.
    let error = error.raw_os_error().map_or(error, io::Error::from_raw_os_error);
    Failure::failed(Diagnostic::error(&CANNOT_WRITE, format!("{} cannot be written: {error}", path.display())))
}

/// The rights of a newly made file, as the umask of this process leaves them.
#[cfg(unix)]
fn readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let umask = status.lines().find_map(|line| u32::from_str_radix(line.strip_prefix("Umask:")?.trim(), 8).ok());
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666 & !umask.unwrap_or(0o022)))
}
