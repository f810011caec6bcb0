use std::cell::Cell;
use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use podcast::{Audio, Episode, Error, Show, release};
use rss::Channel;
use tempfile::tempdir;

use crate::sound::{names, never, optimized, sine, wav};

const CROWD: usize = 8;

fn show() -> Show {
    Show::new("News & <more>", "https://example.com/news/")
}

fn read_feed(out: &Path) -> Channel {
    Channel::read_from(BufReader::new(File::open(out.join("feed.xml")).unwrap())).unwrap()
}

/// The same sound, finished, as if it came from files of other names.
fn episodes(dir: &Path, names: impl IntoIterator<Item = String>) -> Vec<Audio> {
    let tone = wav(&dir.join("tone.wav"), &sine(0.6, -25.0), 1);
    let audio = optimized(&tone, &dir.join("work"));
    let named = |name: String| Audio { source: PathBuf::from(format!("{name}.wav")), title: name, ..audio.clone() };
    names.into_iter().map(named).collect()
}

fn one(dir: &Path) -> Audio {
    episodes(dir, ["Pilot \"0\" & more".to_owned()]).remove(0)
}

#[test]
fn an_episode_is_listed_with_its_files() {
    let dir = tempdir().unwrap();
    let out = dir.path().join("out");
    let episode = release(&one(dir.path()), &show(), &out, &never).unwrap();
    assert_eq!(names(&out), [".feed.lock", "feed.xml", "pilot-0-more.json", "pilot-0-more.mp3", "pilot-0-more.png"]);

    let feed = read_feed(&out);
    assert_eq!(feed.title(), "News & <more>");
    assert_eq!(feed.itunes_ext().unwrap().explicit(), Some("false"));
    let [item] = feed.items() else { panic!("expected one item: {:?}", feed.items()) };
    assert_eq!(item.title(), Some("Pilot \"0\" & more"));
    assert_eq!(item.guid().unwrap().value(), episode.guid);
    assert_eq!(item.itunes_ext().unwrap().duration(), Some("0:01"));
    let enclosure = item.enclosure().unwrap();
    assert_eq!(enclosure.url(), "https://example.com/news/pilot-0-more.mp3");
    assert_eq!(enclosure.mime_type(), "audio/mpeg");
    assert_eq!(enclosure.length(), fs::metadata(out.join(&episode.audio)).unwrap().len().to_string());
    let date = jiff::fmt::rfc2822::parse(item.pub_date().unwrap()).unwrap();
    assert_eq!(date.timestamp(), episode.published);
}

#[test]
fn the_waveform_is_a_whole_picture() {
    let dir = tempdir().unwrap();
    let episode = release(&one(dir.path()), &show(), dir.path(), &never).unwrap();
    let file = BufReader::new(File::open(dir.path().join(episode.waveform)).unwrap());
    let mut picture = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; picture.output_buffer_size().unwrap()];
    let frame = picture.next_frame(&mut pixels).unwrap();
    assert_eq!((frame.width, frame.height), (1600, 300));
    let colors: BTreeSet<_> = pixels.chunks(3).collect();
    assert!(colors.len() > 100, "no gradient: {} colours", colors.len());
}

#[test]
fn releasing_again_changes_nothing() {
    let dir = tempdir().unwrap();
    let out = dir.path().join("out");
    let audio = one(dir.path());
    let first = release(&audio, &show(), &out, &never).unwrap();
    let before: Vec<_> =
        ["feed.xml", &first.audio, &first.waveform].map(|name| fs::read(out.join(name)).unwrap()).into();
    assert_eq!(release(&audio, &show(), &out, &never).unwrap(), first);
    let after: Vec<_> =
        ["feed.xml", &first.audio, &first.waveform].map(|name| fs::read(out.join(name)).unwrap()).into();
    assert!(before == after, "a second release wrote other bytes");
    assert_eq!(read_feed(&out).items().len(), 1);
}

#[test]
fn the_guid_and_the_date_outlive_a_move_and_a_new_title() {
    let dir = tempdir().unwrap();
    let audio = one(dir.path());
    let first = release(&audio, &show(), dir.path(), &never).unwrap();
    let note = dir.path().join("episodes/pilot-0-more.json");
    let old = Episode { published: "2024-02-29T12:00:00Z".parse().unwrap(), ..first.clone() };
    fs::write(&note, serde_json::to_vec(&old).unwrap()).unwrap();

    let moved = Show::new("News", "https://example.org");
    let renamed = Audio { title: "Renamed".to_owned(), ..audio };
    let again = release(&renamed, &moved, dir.path(), &never).unwrap();
    assert_eq!((&again.guid, again.published), (&first.guid, old.published));
    let feed = read_feed(dir.path());
    assert_eq!(feed.items().len(), 1);
    assert_eq!(feed.items()[0].title(), Some("Renamed"));
    assert_eq!(feed.items()[0].pub_date(), Some("Thu, 29 Feb 2024 12:00:00 GMT"));
    assert_eq!(feed.items()[0].enclosure().unwrap().url(), "https://example.org/pilot-0-more.mp3");
}

#[test]
fn the_newest_episode_comes_first_and_equals_go_by_guid() {
    let dir = tempdir().unwrap();
    let out = dir.path().join("out");
    let audios = episodes(dir.path(), ["b", "a", "new"].map(str::to_owned));
    for (audio, date) in audios.iter().zip(["2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"]) {
        let episode = release(audio, &show(), &out, &never).unwrap();
        let dated = Episode { published: date.parse().unwrap(), ..episode };
        let note = out.join("episodes").join(&audio.title).with_extension("json");
        fs::write(note, serde_json::to_vec(&dated).unwrap()).unwrap();
    }
    release(&audios[0], &show(), &out, &never).unwrap();
    let titles: Vec<_> = read_feed(&out).items().iter().map(|item| item.title().unwrap().to_owned()).collect();
    assert_eq!(titles, ["new", "a", "b"]);
}

#[test]
fn a_broken_note_is_named() {
    let dir = tempdir().unwrap();
    let note = dir.path().join("episodes/other.json");
    fs::create_dir(note.parent().unwrap()).unwrap();
    fs::write(&note, "{").unwrap();
    let error = release(&one(dir.path()), &show(), dir.path(), &never).unwrap_err();
    assert!(matches!(&error, Error::Note { path, .. } if *path == note), "{error:?}");
}

#[test]
fn threads_that_release_at_once_all_get_into_the_feed() {
    let dir = tempdir().unwrap();
    let audios = episodes(dir.path(), (0..CROWD).map(|number| format!("thread-{number}")));
    let asked = AtomicU32::new(0);
    let count = || asked.fetch_add(1, Ordering::Relaxed) == u32::MAX;
    release(&audios[0], &show(), &dir.path().join("first"), &count).unwrap();
    // The last question comes before the first file that all of them write.
    let last = asked.into_inner() - 1;
    for round in 0..4 {
        let out = dir.path().join(round.to_string());
        let start = Barrier::new(CROWD);
        thread::scope(|scope| {
            for audio in &audios {
                scope.spawn(|| {
                    let asked = Cell::new(0);
                    let meet = || {
                        if asked.replace(asked.get() + 1) == last {
                            start.wait();
                        }
                        false
                    };
                    release(audio, &show(), &out, &meet).unwrap();
                });
            }
        });
        assert_eq!(read_feed(&out).items().len(), CROWD);
    }
}

/// Runs itself as several processes, told by a variable what to release and where.
#[test]
fn processes_that_release_at_once_all_get_into_the_feed() {
    const JOB: &str = "PODCAST_TEST_RELEASE";
    const NAME: &str = "feed::processes_that_release_at_once_all_get_into_the_feed";
    if let Ok(job) = env::var(JOB) {
        let (audio, out): (Audio, PathBuf) = serde_json::from_str(&job).unwrap();
        release(&audio, &show(), &out, &never).unwrap();
        return;
    }
    let dir = tempdir().unwrap();
    let out = dir.path().join("out");
    let mut children = Vec::new();
    for audio in episodes(dir.path(), (0..CROWD).map(|number| format!("process-{number}"))) {
        let job = serde_json::to_string(&(audio, &out)).unwrap();
        let mut command = Command::new(env::current_exe().unwrap());
        children.push(command.args(["--exact", NAME]).env(JOB, job).stdout(Stdio::null()).spawn().unwrap());
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(read_feed(&out).items().len(), CROWD);
    assert_eq!(names(&out.join("episodes")).len(), CROWD);
}
