use std::fmt::{Debug, Formatter, Result};

/// Stored JSON as `Debug` prints it: without what is encrypted.
pub(super) struct Shown<'a, T>(pub(super) &'a T);

impl<T: Debug> Debug for Shown<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let json = format!("{:?}", self.0);
        if json.contains("$encrypted") { f.write_str("\"<encrypted>\"") } else { f.write_str(&json) }
    }
}

/// Prints all fields of a type, and of those that are JSON nothing encrypted.
macro_rules! debug_fields {
    ($type:ident { $($json:ident),* } { $($field:ident),* $(,)? }) => {
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                // A new field is missing here until it is named.
                let Self { $($json,)* $($field),* } = self;
                f.debug_struct(stringify!($type))
                    $(.field(stringify!($field), $field))*
                    $(.field(stringify!($json), &$crate::job::shown::Shown($json)))*
                    .finish()
            }
        }
    };
}
pub(super) use debug_fields;
