//! Work that keeps a thread busy: a plain `fn` is a blocking job, and runs beside the async ones and not in their way.

use std::sync::Arc;

use jobwork::prelude::*;
use tokio::sync::Notify;

/// Plain functions run on threads of their own; `App::blocking_threads` says how many at a time.
#[job]
fn count_primes(below: u64) -> Result<usize, JobError> {
    Ok((2..below).filter(|number| is_prime(*number)).count())
}

fn is_prime(number: u64) -> bool {
    (2..).take_while(|divisor| divisor * divisor <= number).all(|divisor| !number.is_multiple_of(divisor))
}

/// A thread can't be dropped: a loop that takes long asks now and then whether it should go on.
#[job]
fn search_twin_primes(cancel: CancelSignal, begun: State<Arc<Notify>>) -> Result<u64, Cancelled> {
    begun.0.notify_one();
    let mut found = 0;
    for number in 3.. {
        found += u64::from(is_prime(number) && is_prime(number + 2));
        cancel.check()?;
    }
    Ok(found)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Jobs::connect("memory:").await?.make_default();
    let begun = Arc::new(Notify::new());
    let worker = App::new().state(Arc::clone(&begun)).blocking_threads(2).spawn().await?;

    let search = SearchTwinPrimes::dispatch().await?;
    begun.notified().await;
    println!("a search is running, for ever");

    let primes = CountPrimes::dispatch(100_000u64).await?.wait().await?;
    println!("beside it, {primes} primes were counted");

    search.cancel().await?;
    let _ = search.wait().await;
    println!("the search is {}", search.status().await?);
    worker.stop_and_wait().await;
    Ok(())
}
