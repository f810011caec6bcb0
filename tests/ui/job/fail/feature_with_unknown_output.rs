#![allow(unused)]
use jobwork::job;

#[job(feature = "worker")]
async fn send_email(to: String) -> Outcome { Ok(()) }
type Outcome = Result<(), String>;

fn main() {
    let _ = SendEmail::new("ann");
}
