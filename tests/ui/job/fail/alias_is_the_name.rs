#![allow(unused)]
use jobwork::job;

#[job(alias = ["send_email"])]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
