#![allow(unused)]
use jobwork::job;

#[job(timeout = 10)]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
