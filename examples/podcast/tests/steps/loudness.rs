use std::path::Path;

use podcast::{Error, find, measure, process};
use tempfile::tempdir;

use crate::sound::{names, never, noise, shipped, sine, wav};

fn near(measured: f64, expected: f64, tolerance: f64) {
    assert!((measured - expected).abs() <= tolerance, "measured {measured}, expected {expected} ± {tolerance}");
}

#[test]
fn a_stereo_sine_is_as_loud_as_its_peak_says() {
    let dir = tempdir().unwrap();
    let source = wav(&dir.path().join("tone.wav"), &sine(4.0, -23.0), 2);
    let audio = process(&source, &dir.path().join("work"), &never).unwrap();
    near(audio.loudness.integrated_lufs, -23.0, 0.1);
    near(audio.loudness.true_peak_dbtp, -23.0, 0.2);
    near(audio.loudness.range_lu, 0.0, 0.1);
    assert_eq!((audio.channels, audio.rate, audio.seconds), (2, 48_000, 4.0));
}

#[test]
fn a_mono_sine_is_three_lu_quieter_than_the_same_on_two_channels() {
    let dir = tempdir().unwrap();
    let source = wav(&dir.path().join("tone.wav"), &sine(4.0, -20.0), 1);
    let (loudness, seconds) = measure(&source, &never).unwrap();
    near(loudness.integrated_lufs, -23.01, 0.1);
    near(loudness.true_peak_dbtp, -20.0, 0.2);
    near(seconds, 4.0, 0.0);
}

#[test]
fn the_range_spans_the_soft_and_the_loud_half() {
    let dir = tempdir().unwrap();
    let halves = [sine(20.0, -20.0), sine(20.0, -30.0)].concat();
    let source = wav(&dir.path().join("halves.wav"), &halves, 1);
    let (loudness, _) = measure(&source, &never).unwrap();
    near(loudness.range_lu, 10.0, 1.0);
}

#[test]
fn the_peak_between_samples_counts() {
    let dir = tempdir().unwrap();
    // A quarter of the rate, an eighth off: every sample is 3 dB below the crest that the ear gets.
    let crest = [0.5, 0.5, -0.5, -0.5].repeat(24_000);
    let source = wav(&dir.path().join("crest.wav"), &crest, 1);
    let (loudness, _) = measure(&source, &never).unwrap();
    near(loudness.true_peak_dbtp, -3.0, 0.4);
}

#[test]
fn silence_is_refused_and_leaves_no_file() {
    let dir = tempdir().unwrap();
    let work = dir.path().join("work");
    for (name, sound) in [("nothing", vec![0.0; 96_000]), ("hiss", noise(2.0, -80.0)), ("short", sine(0.3, -10.0))] {
        let source = wav(&dir.path().join(name).with_extension("wav"), &sound, 2);
        let error = process(&source, &work, &never).unwrap_err();
        assert!(matches!(error, Error::Silent { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains("is silent"), "{error}");
    }
    assert_eq!(names(&work), Vec::<String>::new());
}

#[test]
fn the_decoded_file_measures_as_its_source_does() {
    let dir = tempdir().unwrap();
    for source in find(&[shipped()]).unwrap() {
        let audio = process(&source, dir.path(), &never).unwrap();
        let (loudness, seconds) = measure(&audio.file, &never).unwrap();
        assert_eq!((loudness, seconds), (audio.loudness, audio.seconds), "{}", source.display());
    }
}

#[test]
fn the_title_comes_from_the_tags_or_else_from_the_name() {
    let dir = tempdir().unwrap();
    let welcome = process(&shipped().join("01-welcome.ogg"), dir.path(), &never).unwrap();
    assert_eq!(welcome.title, "Welcome to the show");
    let soft = process(&shipped().join("02-softly-spoken.flac"), dir.path(), &never).unwrap();
    assert_eq!(soft.title, "Softly spoken");
    let source = wav(&dir.path().join("03_my-talk.wav"), &sine(1.0, -20.0), 1);
    let talk = process(&source, &dir.path().join("work"), &never).unwrap();
    assert_eq!(talk.title, "03 my talk");
    assert_eq!(talk.file, Path::new(&dir.path().join("work/03-my-talk.wav")));
}
