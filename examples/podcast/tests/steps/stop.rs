use std::cell::Cell;
use std::path::Path;

use podcast::{Error, Show, optimize, process, release};
use tempfile::tempdir;

use crate::sound::{names, never, optimized, sine, wav};

/// Runs a step again and again, told to stop at its first question, its second, and so on until it completes.
/// Returns how many questions it asked in the end.
fn stop_everywhere<T>(folder: &Path, step: impl Fn(podcast::Stop<'_>) -> Result<T, Error>) -> u32 {
    let before = names(folder);
    for patience in 0.. {
        let asked = Cell::new(0);
        let stop = || asked.replace(asked.get() + 1) == patience;
        match step(&stop) {
            Ok(_) => return patience,
            Err(error) => assert!(matches!(error, Error::Stopped), "{error:?}"),
        }
        assert_eq!(asked.get(), patience + 1, "the step went on after it was told to stop");
        let left: Vec<_> = names(folder).into_iter().filter(|name| name.ends_with(".part")).collect();
        assert_eq!(left, Vec::<String>::new());
        if patience == 0 {
            assert_eq!(names(folder), before, "a step stopped at once leaves something");
        }
    }
    unreachable!("a range without end")
}

#[test]
fn every_step_stops_wherever_it_is_asked_to() {
    let dir = tempdir().unwrap();
    let (work, out) = (dir.path().join("work"), dir.path().join("out"));
    let source = wav(&dir.path().join("tone.wav"), &sine(0.5, -30.0), 1);
    let frames = 24_000;
    let often = frames / 8192;

    let asked = stop_everywhere(&work, |stop| process(&source, &work, stop));
    assert!(asked >= often, "process asked {asked} times in {frames} frames");
    let audio = process(&source, &work, &never).unwrap();
    let asked = stop_everywhere(&work, |stop| optimize(&audio, &work, stop));
    assert!(asked >= 3 * often, "optimize asked {asked} times in {frames} frames");
    let audio = optimized(&source, &work);
    let show = Show::new("news", "https://example.com");
    let asked = stop_everywhere(&out, |stop| release(&audio, &show, &out, stop));
    assert!(asked >= often, "release asked {asked} times in {frames} frames");
}
