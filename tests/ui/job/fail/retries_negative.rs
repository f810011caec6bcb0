#![allow(unused)]
use jobwork::job;

#[job(retries = -1)]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
