#![allow(unused)]
use jobwork::job;

#[job(unique(on_conflict = overwrite))]
async fn send_email(to: String, copies: u8) {}

#[job(unique(on_conflict = replace(queue)))]
async fn send_letter(to: String, copies: u8) {}

#[job(unique(on_conflict = replace()))]
async fn send_parcel(to: String, copies: u8) {}

#[job(unique(on_conflict = "skip"))]
async fn send_stone(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
    let _ = SendLetter::new("ann", 2);
    let _ = SendParcel::new("ann", 2);
    let _ = SendStone::new("ann", 2);
}
