#![allow(unused)]
use jobwork::job;

#[job]
const fn send_email(to: u8) {}

fn main() {}
