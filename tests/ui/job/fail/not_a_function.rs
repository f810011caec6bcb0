#![allow(unused)]
use jobwork::job;

#[job]
struct SendEmail;

fn main() {}
