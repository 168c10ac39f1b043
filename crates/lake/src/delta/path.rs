//! Two layers of escaping: Hive's, which makes a folder's name of a partition's value, and the URL encoding with which
//! the log writes a path down.

use std::fmt::Write;

/// Longer names are cut, and made unique by a hash: file systems allow 255 bytes.
const NAME_BYTES_MAX: usize = 200;

/// What Hive and Spark write for null.
pub(crate) const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// `column=value` as a folder's name. Readers take values from the log, not from here.
pub(crate) fn folder_name(column: &str, value: Option<&str>) -> String {
    let name = format!("{}={}", escape(column), value.map_or_else(|| NULL_PARTITION.to_owned(), escape));
    if name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let hash = blake3::hash(name.as_bytes()).to_hex();
    let cut = (0..=NAME_BYTES_MAX - 17).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    format!("{}-{}", &name[..cut], &hash[..16])
}

/// The characters that Spark's `ExternalCatalogUtils.escapePathName` escapes. What is left may stand in a file's name
/// anywhere but on Windows.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || "\"#%'*/:=?\\{[]^<>| ".contains(character) {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                let _ = write!(escaped, "%{byte:02X}");
            }
        } else {
            escaped.push(character);
        }
    }
    // `.` and `..` mean something else as names.
    if escaped.starts_with('.') { escaped.replacen('.', "%2E", 1) } else { escaped }
}

/// A path as the log has it: every byte but the unreserved ones, `/` and `=` as `%XX`.
pub(crate) fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/=".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The inverse. What is no valid escape stays as it is, as other readers do; `None` when the result is not UTF-8.
pub(crate) fn decode(encoded: &str) -> Option<String> {
    let bytes = encoded.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| encoded.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escape {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}
