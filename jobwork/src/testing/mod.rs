//! What users test their jobs with.

mod stored_form;

pub use self::stored_form::{assert_stored_form, check_stored_form};
