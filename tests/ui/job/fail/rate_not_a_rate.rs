#![allow(unused)]
use jobwork::job;

#[job(rate = "100")]
async fn send_email(to: String, copies: u8) {}

#[job(rate = "100/m")]
async fn send_letter(to: String, copies: u8) {}

#[job(rate = "0/1m")]
async fn send_parcel(to: String, copies: u8) {}

#[job(rate = "5/0s")]
async fn send_stone(to: String, copies: u8) {}

#[job(rate = 100)]
async fn send_card(to: String, copies: u8) {}

#[job(rate("many/1m", key = to))]
async fn send_flowers(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
    let _ = SendLetter::new("ann", 2);
    let _ = SendParcel::new("ann", 2);
    let _ = SendStone::new("ann", 2);
    let _ = SendCard::new("ann", 2);
    let _ = SendFlowers::new("ann", 2);
}
