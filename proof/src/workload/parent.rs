use std::io::Read;
use std::thread;

/// Ends this process as soon as its standard input does: whoever started it and holds the other end is gone then, by whatever death.
///
/// # Panics
/// When no thread can be started.
pub(super) fn end_with_it() {
    let listen = || {
        let mut input = std::io::stdin().lock();
        while input.read(&mut [0; 16]).is_ok_and(|read| read > 0) {}
        std::process::exit(3);
    };
    thread::Builder::new().name("parent".to_owned()).spawn(listen).expect("a thread starts");
}
