#![allow(unused)]
#[jobwork::main]
async fn main(app: u8) {}
