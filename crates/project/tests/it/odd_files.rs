//! What a folder in git cannot hold, or not everywhere: names that are not UTF-8, unreadable files.

use lockgate_project::load;
use tempfile::TempDir;

fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lockgate.yml"), "name: odd\n").unwrap();
    std::fs::create_dir_all(folder.path().join("assets/raw")).unwrap();
    folder
}

fn rendered(folder: &TempDir) -> String {
    let (_, diagnostics) = load(folder.path(), None, &|_| None);
    crate::render::diagnostics(&diagnostics)
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let folder = project();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.yml");
    std::fs::write(folder.path().join("assets/raw").join(name), "kind: source\n").unwrap();
    assert_eq!(
        rendered(&folder),
        "error LG0118: the name `caf\u{fffd}.yml` is not UTF-8\n  at assets/raw\n  hint: rename the file\n\n"
    );
}

#[test]
fn a_folder_in_the_place_of_a_file_is_a_folder() {
    let folder = project();
    std::fs::create_dir_all(folder.path().join("assets/raw/orders.yml")).unwrap();
    std::fs::write(folder.path().join("assets/raw/orders.yml/x.sql"), "select 1 as a").unwrap();
    let (project, diagnostics) = load(folder.path(), None, &|_| None);
    assert!(diagnostics.is_empty(), "{diagnostics}");
    assert_eq!(project.unwrap().assets.len(), 1);
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = project();
    let file = folder.path().join("assets/raw/orders.yml");
    std::fs::write(&file, "kind: source\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&file).is_ok() {
        // The superuser reads everything: a folder in the place of `_defaults.yml` cannot be made to fail either.
        return;
    }
    let text = rendered(&folder);
    assert!(text.starts_with("error LG0109: the file cannot be read: Permission denied"), "{text}");
}

#[test]
fn deep_folders() {
    let folder = project();
    let mut path = folder.path().join("assets/raw");
    for _ in 0..40 {
        path.push("d");
    }
    std::fs::create_dir_all(&path).unwrap();
    let text = rendered(&folder);
    assert!(text.starts_with("error LG0109: folders are nested more than 32 deep"), "{text}");
}
