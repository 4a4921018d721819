//! How bad each kind of fault is in a running process.

use polter_class::{Class, Severity};

/// How bad a finding of this kind is. What is shared, or piled up, may be intended.
pub(crate) const fn severity(class: Class) -> Severity {
    match class {
        Class::SharedEpoll | Class::DupPile => Severity::Note,
        _ => Severity::Fault,
    }
}
