use std::collections::HashSet;
use std::sync::LazyLock;
use std::thread;

use tokio::sync::watch;

/// The labels of the jobs that need not wait any more.
static RELEASED: LazyLock<watch::Sender<HashSet<String>>> = LazyLock::new(watch::Sender::default);

/// Releases a job for each line of standard input, and ends the process with it: then the test is over.
pub(super) fn listen() {
    thread::spawn(|| {
        for label in std::io::stdin().lines().map_while(Result::ok) {
            RELEASED.send_modify(|labels| {
                labels.insert(label);
            });
        }
        std::process::exit(1);
    });
}

/// Waits until the job of this label is released.
pub(super) async fn released(label: &str) {
    let mut labels = RELEASED.subscribe();
    // The sender is never dropped.
    let _ = labels.wait_for(|labels| labels.contains(label) || labels.contains("all")).await;
}

/// The same, for code that keeps its thread to itself meanwhile.
pub(super) fn released_blocking(label: String) {
    let wait = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime without drivers starts").block_on(released(&label));
    };
    thread::spawn(wait).join().expect("waiting does not panic");
}
