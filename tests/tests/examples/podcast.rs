//! The main example: it publishes its episodes, carries on after an interrupt, and says what is wrong with its input.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{printed, program, stderr, stdout};

fn podcast(folder: &Path, words: &[&str]) -> Command {
    let mut podcast = program("podcast", "podcast", folder);
    podcast.args(words);
    podcast
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The jobs in the store, oldest first.
fn jobs(folder: &Path) -> Vec<Value> {
    let lines = printed(&mut podcast(folder, &["list", "--json"]));
    let mut jobs: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    jobs.sort_by_key(|job| job["id"].as_str().unwrap().to_owned());
    jobs
}

/// A recording of so many seconds: a tone that comes and goes.
fn recording(path: &Path, seconds: u32) {
    const RATE: u32 = 22_050;
    let samples = (0..RATE * seconds).flat_map(|at| {
        {
            let second = f64::from(at) / f64::from(RATE);
            let loud = 0.2 + 0.1 * (second * 3.0).sin();
            ((second * 440.0 * std::f64::consts::TAU).sin() * loud * f64::from(i16::MAX)) as i16
        }
        .to_le_bytes()
    });
    let samples: Vec<u8> = samples.collect();
    let bytes = u32::try_from(samples.len()).unwrap();
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend([1_u16, 1].map(u16::to_le_bytes).concat());
    wav.extend([RATE, RATE * 2].map(u32::to_le_bytes).concat());
    wav.extend([2_u16, 16].map(u16::to_le_bytes).concat());
    wav.extend(b"data");
    wav.extend(bytes.to_le_bytes());
    wav.extend(samples);
    fs::write(path, wav).unwrap();
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn it_publishes_its_own_episodes_and_does_nothing_twice() {
    let folder = folder();
    let printed_first = printed(&mut podcast(folder.path(), &["publish"]));
    let out = folder.path().join("podcast-out");
    let published: Vec<String> = names(&out).into_iter().filter(|name| !name.starts_with(['.', 'j'])).collect();
    let expected = ["01-welcome", "02-softly-spoken"].map(|slug| [format!("{slug}.mp3"), format!("{slug}.png")]);
    let mut expected = expected.concat();
    expected.extend(["episodes".to_owned(), "feed.xml".to_owned()]);
    assert_eq!(published, expected);

    let feed = fs::read_to_string(out.join("feed.xml")).unwrap();
    for (slug, title) in [("01-welcome", "Welcome to the show"), ("02-softly-spoken", "Softly spoken")] {
        assert!(
            feed.contains(&format!("<title>{title}</title>")) && feed.contains(&format!("/{slug}.mp3\"")),
            "{feed}"
        );
        let (loudness, _) = podcast::measure(&out.join(format!("{slug}.mp3")), &|| false).unwrap();
        assert!((loudness.integrated_lufs + 16.0).abs() < 0.5, "{slug}: {loudness}");
        assert!(fs::read(out.join(format!("{slug}.png"))).unwrap().starts_with(b"\x89PNG"));
        for step in ["processed (", "optimised (", &format!("released as “{title}”")] {
            assert!(printed_first.contains(&format!("{slug}: {step}")), "{printed_first}");
        }
        assert!(printed_first.contains(&format!("podcast-out/{slug}.mp3 (")), "{printed_first}");
    }

    let jobs_first = jobs(folder.path());
    assert_eq!(jobs_first.len(), 6);
    let printed_second = printed(&mut podcast(folder.path(), &["publish"]));
    assert!(printed_second.starts_with("01-welcome: published before\n02-softly-spoken: published before\n"));
    assert_eq!(jobs(folder.path()), jobs_first);

    fs::remove_file(out.join("01-welcome.png")).unwrap();
    printed(&mut podcast(folder.path(), &["publish"]));
    assert!(out.join("01-welcome.png").exists(), "what is gone is published again");
    assert_eq!(jobs(folder.path()).len(), 9);
}

#[test]
fn interrupted_and_started_again_it_carries_on_where_it_was() {
    let folder = folder();
    recording(&folder.path().join("long.wav"), 180);
    let mut first = podcast(folder.path(), &["publish", "long.wav"]);
    let mut first = first.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().starts_with("long: processed (")).unwrap().unwrap();
    interrupt(first.id());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(rest.contains(&"long: not finished".to_owned()), "{rest:?}");
    let mut said = String::new();
    first.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("interrupted; run it again"), "{said}");
    assert_eq!(first.wait().unwrap().code(), Some(1));

    let before = jobs(folder.path());
    let states = |jobs: &[Value]| jobs.iter().map(|job| job["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(states(&before), ["completed", "ready", "waiting"]);
    assert_eq!(before[1]["attempt"], 0, "an interrupt uses no attempt");

    let second = printed(&mut podcast(folder.path(), &["publish", "long.wav"]));
    assert!(second.starts_with("long: processed before, carrying on\nlong: optimised ("), "{second}");
    assert!(second.contains("\nlong: released as “long”\n") && !second.contains("long: processed ("), "{second}");
    let after = jobs(folder.path());
    assert_eq!(states(&after), ["completed"; 3]);
    assert_eq!(after[0], before[0], "the first step was left as it was");
    assert!(after.iter().all(|job| job["attempt"] == 1));
    let (loudness, seconds) = podcast::measure(&folder.path().join("podcast-out/long.mp3"), &|| false).unwrap();
    assert!((loudness.integrated_lufs + 16.0).abs() < 0.5 && (seconds - 180.0).abs() < 0.5);
}

fn interrupt(process: u32) {
    assert!(Command::new("kill").args(["-INT", &process.to_string()]).status().unwrap().success());
}

/// Runs `publish` with input that it can't do with; gives what it printed, and its error.
fn refused(folder: &Path, words: &[&str]) -> (String, String) {
    let output = podcast(folder, &[&["publish"], words].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}{}", stdout(&output), stderr(&output));
    (stdout(&output), stderr(&output))
}

#[test]
fn a_path_that_is_not_there_is_refused() {
    let (_, error) = refused(folder().path(), &["nowhere.wav"]);
    assert_eq!(error, "error: nowhere.wav does not exist; give an audio file or a folder of them\n");
}

#[test]
fn a_folder_without_audio_is_refused() {
    let folder = folder();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let (_, error) = refused(folder.path(), &["empty"]);
    assert!(error.starts_with("error: empty holds no audio file; expected at least one of aac, flac"), "{error}");
}

#[test]
fn a_file_that_is_no_audio_fails_alone_and_is_tried_again_when_asked_again() {
    let folder = folder();
    let wav = |name: &str| -> PathBuf { folder.path().join(name) };
    fs::write(wav("notes.wav"), "not a sound").unwrap();
    recording(&wav("tone.wav"), 3);
    let (printed, error) = refused(folder.path(), &["notes.wav", "tone.wav"]);
    assert!(printed.contains("\nnotes: failed: cannot decode "), "{printed}");
    assert!(printed.contains("notes.wav; expected a recording in WAV, FLAC"), "{printed}");
    assert!(printed.contains("\ntone: released as “tone”\n"), "{printed}");
    assert!(error.ends_with("error: 1 of 2 episodes failed\n"), "{error}");
    let dead = jobs(folder.path()).into_iter().find(|job| job["state"] == "dead").unwrap();
    assert_eq!((&dead["name"], &dead["attempt"]), (&"process_podcast".into(), &1.into()), "it is not worth a retry");

    let (printed, _) = refused(folder.path(), &["notes.wav"]);
    assert!(printed.starts_with("notes: failed before, trying again\n"), "{printed}");
    assert_eq!(jobs(folder.path()).len(), 6);
}

#[test]
fn its_other_commands_work_on_the_same_store() {
    let folder = folder();
    recording(&folder.path().join("tone.wav"), 3);
    let source = folder.path().join("tone.wav");
    let arguments = serde_json::json!({ "source": source, "out": folder.path().join("elsewhere") }).to_string();
    printed(&mut podcast(folder.path(), &["dispatch", "process_podcast", &arguments]));
    printed(&mut podcast(folder.path(), &["work", "--until-empty"]));
    let jobs = jobs(folder.path());
    assert_eq!((&jobs[0]["name"], &jobs[0]["state"]), (&"process_podcast".into(), &"completed".into()));
    assert!(folder.path().join("elsewhere/work/tone.wav").exists());
}

#[test]
fn a_store_that_is_named_comes_before_its_own() {
    let folder = folder();
    printed(podcast(folder.path(), &["list"]).env("JOBWORK_URL", "sqlite:environment.db"));
    printed(&mut podcast(folder.path(), &["--store", "sqlite:option.db", "list"]));
    assert!(folder.path().join("environment.db").exists() && folder.path().join("option.db").exists());
    assert!(!folder.path().join("podcast-out/jobs.db").exists());
    printed(&mut podcast(folder.path(), &["list"]));
    assert!(folder.path().join("podcast-out/jobs.db").exists());
}
