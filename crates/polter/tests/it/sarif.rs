//! Holds a document against SARIF 2.1.0: the objects that polter writes, with the keys that the specification knows and
//! those that it requires, copied from its text by hand.

use serde_json::Value;

/// What a value must be.
enum Kind {
    Text,
    Bool,
    Positive,
    Uri,
    OneOf(&'static [&'static str]),
    /// An object of this name.
    Object(&'static str),
    /// A list of objects of this name.
    List(&'static str),
    /// An object with any keys.
    Bag,
}

use Kind::{Bag, Bool, List, Object, OneOf, Positive, Text, Uri};

const LEVELS: &[&str] = &["none", "note", "warning", "error"];

/// An object's name, the keys it must have, and what each key is.
type Row = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, Kind)],
);

/// §3.13 to §3.58 of the specification, as far as polter writes them.
const OBJECTS: &[Row] = &[
    (
        "sarifLog",
        &["version", "runs"],
        &[
            ("$schema", Uri),
            ("version", OneOf(&["2.1.0"])),
            ("runs", List("run")),
        ],
    ),
    (
        "run",
        &["tool"],
        &[
            ("tool", Object("tool")),
            ("invocations", List("invocation")),
            ("results", List("result")),
        ],
    ),
    ("tool", &["driver"], &[("driver", Object("toolComponent"))]),
    (
        "toolComponent",
        &["name"],
        &[
            ("name", Text),
            ("semanticVersion", Text),
            ("rules", List("reportingDescriptor")),
        ],
    ),
    (
        "reportingDescriptor",
        &["id"],
        &[
            ("id", Text),
            ("name", Text),
            ("shortDescription", Object("message")),
            ("fullDescription", Object("message")),
            ("help", Object("message")),
            ("defaultConfiguration", Object("reportingConfiguration")),
        ],
    ),
    ("reportingConfiguration", &[], &[("level", OneOf(LEVELS))]),
    (
        "invocation",
        &["executionSuccessful"],
        &[
            ("executionSuccessful", Bool),
            ("toolExecutionNotifications", List("notification")),
        ],
    ),
    (
        "notification",
        &["message"],
        &[
            ("level", OneOf(LEVELS)),
            ("message", Object("message")),
            ("locations", List("location")),
        ],
    ),
    (
        "result",
        &["message"],
        &[
            ("ruleId", Text),
            ("ruleIndex", Positive),
            ("level", OneOf(LEVELS)),
            ("message", Object("message")),
            ("locations", List("location")),
            ("codeFlows", List("codeFlow")),
            ("stacks", List("stack")),
            ("partialFingerprints", Bag),
            ("occurrenceCount", Positive),
            ("properties", Bag),
        ],
    ),
    (
        "codeFlow",
        &["threadFlows"],
        &[("threadFlows", List("threadFlow"))],
    ),
    (
        "threadFlow",
        &["locations"],
        &[("locations", List("threadFlowLocation"))],
    ),
    (
        "threadFlowLocation",
        &[],
        &[("location", Object("location"))],
    ),
    ("stack", &["frames"], &[("frames", List("stackFrame"))]),
    ("stackFrame", &[], &[("location", Object("location"))]),
    (
        "location",
        &[],
        &[
            ("physicalLocation", Object("physicalLocation")),
            ("logicalLocations", List("logicalLocation")),
            ("message", Object("message")),
        ],
    ),
    ("logicalLocation", &[], &[("fullyQualifiedName", Text)]),
    (
        "physicalLocation",
        &[],
        &[
            ("artifactLocation", Object("artifactLocation")),
            ("region", Object("region")),
        ],
    ),
    ("artifactLocation", &[], &[("uri", Uri)]),
    (
        "region",
        &[],
        &[
            ("startLine", Positive),
            ("snippet", Object("artifactContent")),
        ],
    ),
    ("artifactContent", &[], &[("text", Text)]),
    ("message", &["text"], &[("text", Text)]),
];

/// Fails if the document is not sound.
#[track_caller]
pub(crate) fn check(document: &Value) {
    let found = wrong("sarifLog", document, "");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn an_unsound_document_is_told() {
    for document in [
        r#"{"runs": []}"#,
        r#"{"version": "2.1.0", "runs": [{}]}"#,
        r#"{"version": "2.1.0", "runs": [], "x": 1}"#,
        r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": 1}}}]}"#,
    ] {
        let document: Value = serde_json::from_str(document).unwrap();
        assert!(!wrong("sarifLog", &document, "").is_empty(), "{document}");
    }
}

fn wrong(object: &str, value: &Value, at: &str) -> Vec<String> {
    let (_, needed, keys) = OBJECTS
        .iter()
        .find(|row| row.0 == object)
        .expect("an object of the table");
    let Value::Object(fields) = value else {
        return vec![format!("{at}: no object")];
    };
    let missing = needed.iter().filter(|key| !fields.contains_key(**key));
    let mut found: Vec<String> = missing.map(|key| format!("{at}: no {key}")).collect();
    for (key, value) in fields {
        let at = format!("{at}/{key}");
        match keys.iter().find(|row| row.0 == key) {
            Some((_, kind)) => found.extend(wrong_value(kind, value, &at)),
            None => found.push(format!("{at}: not in a {object}")),
        }
    }
    found
}

fn wrong_value(kind: &Kind, value: &Value, at: &str) -> Vec<String> {
    let is_right = match kind {
        Object(name) => return wrong(name, value, at),
        List(name) => match value.as_array() {
            Some(values) => {
                return values
                    .iter()
                    .enumerate()
                    .flat_map(|(nth, value)| wrong(name, value, &format!("{at}/{nth}")))
                    .collect();
            }
            None => false,
        },
        Text => value.as_str().is_some_and(|text| !text.is_empty()),
        Uri => value.as_str().is_some_and(is_uri),
        Bool => value.is_boolean(),
        Positive => value.is_u64(),
        OneOf(values) => value.as_str().is_some_and(|text| values.contains(&text)),
        Bag => value.is_object(),
    };
    if is_right {
        Vec::new()
    } else {
        vec![format!("{at}: {value}")]
    }
}

/// A reference by RFC 3986: its characters, and `%` only before two digits.
fn is_uri(text: &str) -> bool {
    let mut parts = text.split('%');
    let is_plain = |part: &str| {
        part.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._~/:?#@!$&'()*+,;=".contains(c))
    };
    parts.next().is_some_and(is_plain)
        && parts.all(|part| {
            part.len() >= 2
                && part.is_char_boundary(2)
                && part[..2].chars().all(|c| c.is_ascii_hexdigit())
                && is_plain(part)
        })
}
