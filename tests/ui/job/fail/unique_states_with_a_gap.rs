#![allow(unused)]
use jobwork::job;

#[job(unique(states = [ready, running]))]
async fn send_email(to: String, copies: u8) {}

#[job(unique(states = [waiting, scheduled, ready, completed]))]
async fn send_letter(to: String, copies: u8) {}

#[job(unique(states = [scheduled, ready, running]))]
async fn send_parcel(to: String, copies: u8) {}

#[job(unique(states = []))]
async fn send_stone(to: String, copies: u8) {}

#[job(unique(states = [ready]))]
async fn send_card(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
    let _ = SendLetter::new("ann", 2);
    let _ = SendParcel::new("ann", 2);
    let _ = SendStone::new("ann", 2);
    let _ = SendCard::new("ann", 2);
}
