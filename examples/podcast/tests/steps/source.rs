use std::fs;
use std::path::{Path, PathBuf};

use podcast::{Decoder, Error, Show, find, optimize, process, release, slug};
use tempfile::tempdir;

use crate::sound::{never, optimized, shipped, sine, wav};

fn touch(path: PathBuf) -> PathBuf {
    fs::write(&path, "").unwrap();
    path
}

#[test]
fn a_folder_gives_its_audio_files_sorted_and_once() {
    let dir = tempdir().unwrap();
    let b = touch(dir.path().join("b.MP3"));
    let a = touch(dir.path().join("a.flac"));
    touch(dir.path().join("README.md"));
    touch(dir.path().join(".hidden.wav"));
    fs::create_dir(dir.path().join("folder.wav")).unwrap();
    assert_eq!(find(&[b.clone(), dir.path().to_owned()]).unwrap(), [a, b]);
    assert_eq!(find(&[shipped()]).unwrap().len(), 2);
}

#[test]
fn what_cannot_be_an_episode_is_named() {
    let dir = tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let said = |paths: &[PathBuf]| find(paths).unwrap_err().to_string().replace(dir.path().to_str().unwrap(), "DIR");

    assert_eq!(said(&[path("gone.mp3")]), "DIR/gone.mp3 does not exist; give an audio file or a folder of them");
    assert_eq!(
        said(&[dir.path().to_owned()]),
        "DIR holds no audio file; expected at least one of aac, flac, m4a, mp3, oga, ogg, wav"
    );
    assert_eq!(
        said(&[touch(path("notes.txt"))]),
        "DIR/notes.txt is not an audio file by its extension; expected one of aac, flac, m4a, mp3, oga, ogg, wav"
    );
    assert_eq!(
        said(&[touch(path("Talk 1.mp3")), touch(path("talk-1.wav"))]),
        "DIR/Talk 1.mp3 and DIR/talk-1.wav would both be published as `talk-1`; rename one of them"
    );
}

#[test]
fn content_that_is_not_audio_is_refused() {
    let dir = tempdir().unwrap();
    for name in ["text.wav", "text.mp3", "text.ogg", "text.m4a"] {
        let source = dir.path().join(name);
        fs::write(&source, "this is a letter, not a recording\n".repeat(500)).unwrap();
        let error = process(&source, dir.path(), &never).unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains("expected a recording in WAV"), "{error}");
    }
    let empty = touch(dir.path().join("empty.flac"));
    assert!(matches!(process(&empty, dir.path(), &never), Err(Error::Decode { .. })));
    let gone = process(Path::new("gone.wav"), dir.path(), &never);
    assert!(matches!(gone, Err(Error::Missing { .. })), "{gone:?}");
}

#[test]
fn a_file_without_a_frame_or_with_six_channels_is_refused() {
    let dir = tempdir().unwrap();
    let none = wav(&dir.path().join("none.wav"), &[], 2);
    let error = Decoder::open(&none).unwrap_err();
    assert!(matches!(error, Error::NoAudio { .. }), "{error:?}");
    let cinema = wav(&dir.path().join("cinema.wav"), &sine(0.1, -20.0), 6);
    let error = Decoder::open(&cinema).unwrap_err();
    assert!(matches!(error, Error::Layout { .. }) && error.to_string().contains("6 channels"), "{error:?}");
}

#[test]
fn a_damaged_recording_is_refused() {
    let dir = tempdir().unwrap();
    let whole = fs::read(shipped().join("02-softly-spoken.flac")).unwrap();
    let end = whole.len();
    let mut scratched = whole.clone();
    scratched[end / 4..end / 2].iter_mut().for_each(|byte| *byte = byte.wrapping_mul(31).wrapping_add(7));
    let source = dir.path().join("broken.flac");
    for bytes in [&scratched[..], &whole[..end / 2]] {
        fs::write(&source, bytes).unwrap();
        let error = process(&source, dir.path(), &never).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. } | Error::Decode { .. }), "{error:?}");
    }
}

#[test]
fn names_are_safe_and_stay_different() {
    let slug = |name: &str| slug(Path::new(name));
    assert_eq!(slug("../x/Ep. 7 -- The_End!.wav"), "ep-7-the-end");
    assert_eq!(slug("...mp3"), "episode");
    assert_ne!(slug("世界.mp3"), slug("日本.mp3"));
}

#[test]
fn a_recording_is_never_written_over() {
    let dir = tempdir().unwrap();
    let tone = wav(&dir.path().join("tone.wav"), &sine(0.5, -20.0), 1);
    assert!(matches!(process(&tone, dir.path(), &never), Err(Error::SameFile { .. })));

    let mp3 = dir.path().join("talk.mp3");
    fs::copy(optimized(&tone, &dir.path().join("work")).file, &mp3).unwrap();
    let audio = process(&mp3, &dir.path().join("work"), &never).unwrap();
    assert!(matches!(optimize(&audio, dir.path(), &never), Err(Error::SameFile { .. })));
    let show = Show::new("news", "https://example.com");
    assert!(matches!(release(&audio, &show, dir.path(), &never), Err(Error::SameFile { .. })));
}
