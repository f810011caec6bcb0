#![allow(unused)]
use jobwork::job;

#[job]
extern "C" fn send_email(to: u8) {}

fn main() {}
