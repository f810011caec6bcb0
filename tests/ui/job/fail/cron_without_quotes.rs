#![allow(unused)]
use jobwork::job;

#[job(cron = nightly)]
async fn send_email() {}

fn main() {
    let _ = SendEmail::new();
}
