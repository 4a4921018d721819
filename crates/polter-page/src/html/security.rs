//! What the page may run, and data that cannot break out of its element.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The content of the page's security policy: nothing but this script and this style.
pub(super) fn policy(script: &str, style: &str) -> String {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(script),
        hash(style)
    )
}

fn hash(text: &str) -> String {
    format!(
        "sha256-{}",
        STANDARD.encode(Sha256::digest(text.as_bytes()))
    )
}

/// Data as JSON that may stand inside a script element: no `<`, `>` or `&`, and nothing but ASCII.
pub(crate) fn json(data: &impl Serialize) -> String {
    let text = serde_json::to_string(data).expect("plain values have a JSON");
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            // Outside of strings, JSON has none of these: inside, this is their escape.
            '<' | '>' | '&' | '\u{7f}'.. => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    safe.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{json, policy};

    #[test]
    fn nothing_ends_the_element_and_all_is_read_back() {
        let hostile = "</script><!--<script>&amp;\u{2028}\u{2029}\u{202e}\0\u{7f}幽霊\u{1f47b}\"\\";
        let safe = json(&hostile);
        assert!(safe.is_ascii() && !safe.contains(['<', '>', '&']), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), hostile);
    }

    #[test]
    fn the_policy_names_what_may_run_by_its_hash() {
        // As `printf 'alert(1)' | openssl dgst -sha256 -binary | base64` says.
        let policy = policy("alert(1)", "");
        assert!(
            policy.contains("script-src 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='")
        );
        assert!(policy.starts_with("default-src 'none';"));
    }
}
