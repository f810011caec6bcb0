#![allow(unused)]
use jobwork::job;

#[job(feature = worker)]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
