use std::fs;
use std::path::Path;

use podcast::{CEILING_DBTP, Decoder, Error, TARGET_LUFS, find, measure, optimize, process};
use tempfile::tempdir;

use crate::sound::{names, never, noise, optimized, shipped, sine, wav};

/// Measures the file anew, so that the figures reported are checked too.
fn on_target(file: &Path) {
    let (loudness, _) = measure(file, &never).unwrap();
    assert!((loudness.integrated_lufs - TARGET_LUFS).abs() < 0.5, "{loudness}");
    assert!(loudness.true_peak_dbtp <= CEILING_DBTP, "{loudness}");
}

#[test]
fn the_shipped_episodes_reach_the_target_and_keep_their_length() {
    let dir = tempdir().unwrap();
    for source in find(&[shipped()]).unwrap() {
        let audio = process(&source, dir.path(), &never).unwrap();
        let encoded = optimize(&audio, dir.path(), &never).unwrap();
        on_target(&encoded.file);
        assert_eq!(measure(&encoded.file, &never).unwrap(), (encoded.loudness, encoded.seconds));
        assert!((encoded.seconds - audio.seconds).abs() < 0.001, "{} is cut or padded", encoded.file.display());
    }
}

#[test]
fn soft_and_loud_stereo_reach_the_target() {
    let dir = tempdir().unwrap();
    for (name, dbfs) in [("soft", -45.0), ("loud", -0.1)] {
        let source = wav(&dir.path().join(name).with_extension("wav"), &noise(3.0, dbfs), 2);
        let audio = optimized(&source, &dir.path().join("work"));
        on_target(&audio.file);
        assert_eq!(audio.channels, 2);
    }
}

#[test]
fn peaks_far_above_the_rest_are_limited() {
    let dir = tempdir().unwrap();
    let mut sound = noise(4.0, -30.0);
    sound.iter_mut().step_by(24_000).for_each(|click| *click = 0.99);
    let source = wav(&dir.path().join("clicks.wav"), &sound, 1);
    let audio = process(&source, &dir.path().join("work"), &never).unwrap();
    let gain = TARGET_LUFS - audio.loudness.integrated_lufs;
    assert!(audio.loudness.true_peak_dbtp + gain > 6.0, "the sound does not need a limiter: {}", audio.loudness);
    on_target(&optimize(&audio, dir.path(), &never).unwrap().file);
}

#[test]
fn what_cannot_be_both_loud_and_low_is_refused_with_the_figures() {
    let dir = tempdir().unwrap();
    let mut sound = vec![0.0; 96_000];
    sound.iter_mut().skip(24_000).step_by(48_000).for_each(|click| *click = 0.99);
    let source = wav(&dir.path().join("clicks.wav"), &sound, 1);
    let work = dir.path().join("work");
    let audio = process(&source, &work, &never).unwrap();
    let error = optimize(&audio, &work, &never).unwrap_err();
    assert!(matches!(error, Error::OutOfReach { .. }), "{error:?}");
    assert!(error.to_string().contains("-16 LUFS below -1 dBTP"), "{error}");
    assert_eq!(names(&work), ["clicks.wav"]);
}

#[test]
fn the_title_is_in_the_file_in_any_script() {
    let dir = tempdir().unwrap();
    let source = wav(&dir.path().join("Grüße, 世界.wav"), &sine(1.0, -20.0), 1);
    let audio = optimized(&source, &dir.path().join("work"));
    assert_eq!(Decoder::open(&audio.file).unwrap().title(), Some("Grüße, 世界"));
}

#[test]
fn the_same_step_again_gives_the_same_bytes() {
    let dir = tempdir().unwrap();
    let source = wav(&dir.path().join("tone.wav"), &sine(1.0, -30.0), 2);
    let work = dir.path().join("work");
    let audio = optimized(&source, &work);
    let first = fs::read(&audio.file).unwrap();
    assert_eq!(optimized(&source, &work), audio);
    assert!(fs::read(&audio.file).unwrap() == first, "another run wrote other bytes");
}

#[test]
fn an_mp3_file_is_a_source_too() {
    let dir = tempdir().unwrap();
    let source = wav(&dir.path().join("tone.wav"), &sine(1.0, -30.0), 2);
    let mp3 = optimized(&source, &dir.path().join("work")).file;
    let audio = process(&mp3, &dir.path().join("again"), &never).unwrap();
    assert_eq!((audio.channels, audio.rate, audio.seconds), (2, 48_000, 1.0));
}
