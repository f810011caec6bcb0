//! Bad input: what people, other programs, older and newer ones, and a hostile neighbour can hand in.
//!
//! Each function takes any bytes, makes of them what one of the doors takes, and panics where a promise is broken: there is an error or a
//! value, never a panic; errors say what was expected, and no secrets; what can't be read is kept, and never stops the others. They are
//! driven by `tests/bad_input.rs`, on every run of the suite, and by the fuzz targets in `fuzz/`.

mod arguments;
mod attributes;
mod cli_json;
mod rows;
mod times;
mod urls;

pub use self::arguments::arguments;
pub use self::attributes::attributes;
pub use self::cli_json::cli_json;
pub use self::rows::{postgres_rows, sqlite_rows};
pub use self::times::times;
pub use self::urls::urls;

/// What needs a runtime, on one of its own; where the clock is paused, it moves on when nothing else does.
fn run<T>(paused: bool, work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(paused).build().expect("a runtime starts");
    runtime.block_on(work)
}
