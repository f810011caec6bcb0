#![allow(unused)]
use jobwork::job;

#[job(cron = "@daily", missed = "all")]
async fn send_email() {}

#[job(cron = "@daily", missed = "0s")]
async fn send_letter() {}

fn main() {
    let _ = SendEmail::new();
    let _ = SendLetter::new();
}
