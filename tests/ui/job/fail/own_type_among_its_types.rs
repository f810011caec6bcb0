#![allow(unused)]
use jobwork::job;

#[job]
async fn receipt(id: u64) -> Result<Receipt, String> {
    todo!()
}

fn main() {}
