#![allow(unused)]
use jobwork::job;

#[job(cleanup = "soon")]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
