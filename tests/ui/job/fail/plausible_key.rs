#![allow(unused)]
use jobwork::job;

#[job(max_retries = 5, cron = "* * * * *")]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
