//! Embeds the web UI, when it has been built: `web/dist` becomes a table of paths and bytes. Without it, Cargo alone
//! builds a server with a placeholder page.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let dist = manifest.join("../../web/dist");
    // A folder that is missing is looked for each time, which costs nothing.
    println!("cargo:rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    if dist.join("index.html").exists() {
        walk(&dist, &dist, &mut files)?;
    }
    files.sort();
    // Copied first: whoever builds the UI meanwhile takes the files away.
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let copies = out.join("web");
    let _ = fs::remove_dir_all(&copies);
    fs::create_dir_all(&copies)?;
    let mut table = "static FILES: &[(&str, &[u8])] = &[\n".to_owned();
    for (index, (name, path)) in files.iter().enumerate() {
        let copy = copies.join(index.to_string());
        match fs::copy(path, &copy) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        }
        // Writing to a string does not fail.
        let _ = writeln!(table, "    ({name:?}, include_bytes!({:?})),", copy.display().to_string());
    }
    table.push_str("];\n");
    fs::write(out.join("web.rs"), table)
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            // Vite's own list of what it made is nobody's business.
            if !name.starts_with(".vite") {
                files.push((name.to_string_lossy().replace('\\', "/"), path));
            }
        }
    }
    Ok(())
}
