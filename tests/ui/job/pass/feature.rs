//! What only a worker needs is left out without its feature; the typed job is there.
#![allow(unexpected_cfgs, reason = "no feature of this crate, so that it is off however the tests are built")]

use jobwork::{Job, job};

#[job(feature = "absent", middleware = [only::in_the_worker], on_error = only::there)]
async fn send_email(to: String, #[inject] mail: only::Mailer, #[inject] other: only::Other) -> Result<u64, only::Error> {}

fn main() {
    let _ = SendEmail::new("ann");
    let _: Option<<SendEmail as Job>::Output> = Some(1u64);
}
