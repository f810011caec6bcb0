//! serde's attributes on parameters are the fields'.
use jobwork::{Job, job};

#[job]
async fn send_email(#[serde(rename = "recipient")] to: String, /** Copies. */ #[serde(default)] cc: Vec<String>) {
    let _ = (to, cc);
}

fn main() {
    assert_eq!(SendEmail::FIELDS, ["recipient", "cc"]);
    let _ = SendEmail::new("ann", vec![]);
}
