#![allow(unused)]
use jobwork::job;

#[job(backoff = 30)]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
