#![allow(unused)]
use jobwork::job;

#[job(cron = "0 3 * *")]
async fn send_email() {}

#[job(cron = "60 * * * *")]
async fn send_letter() {}

#[job(cron = "0 3 30 2 *")]
async fn send_parcel() {}

#[job(cron = "@nightly")]
async fn send_stone() {}

#[job(cron = "@every 0s")]
async fn send_card() {}

fn main() {
    let _ = SendEmail::new();
    let _ = SendLetter::new();
    let _ = SendParcel::new();
    let _ = SendStone::new();
    let _ = SendCard::new();
}
