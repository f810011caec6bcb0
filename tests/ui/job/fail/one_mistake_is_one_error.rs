//! Everything that uses the job still compiles.
use jobwork::{CancelSignal, Job, chain, job};

#[job(retires = 5)]
async fn send_email(to: String, copies: u8, stop: CancelSignal) -> Result<u64, String> {
    let _ = (to, copies, stop);
    Ok(1)
}

#[job]
async fn file(receipt: u64) {
    let _ = receipt;
}

fn main() {
    drop(SendEmail::dispatch("ann", 2).queue("mail"));
    drop(SendEmail::dispatch_many([SendEmail::new("ann", 2)]));
    drop(chain![SendEmail("ann", 2), File]);
    println!("{}", SendEmail::NAME);
}
