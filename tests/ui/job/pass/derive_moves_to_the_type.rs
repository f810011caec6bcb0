//! `#[derive(..)]` is the type's, other attributes are the function's.
use jobwork::job;

#[job]
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(all(), derive(Eq))]
#[deprecated]
#[inline]
async fn send_email(to: String) {
    let _ = to;
}

fn main() {
    let job = SendEmail::new("ann");
    assert_eq!(job.clone(), job);
}
