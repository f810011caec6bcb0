#![allow(unused)]
use jobwork::job;

#[job]
async unsafe fn send_email(to: String) {}

fn main() {}
