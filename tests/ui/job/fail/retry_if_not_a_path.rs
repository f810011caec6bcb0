#![allow(unused)]
use jobwork::job;

#[job(retry_if = "worth")]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
