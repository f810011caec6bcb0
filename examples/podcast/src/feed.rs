//! The third step: publish an episode and the feed that lists it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use rss::extension::itunes::{ITunesChannelExtension, ITunesItemExtension};
use rss::{Channel, Enclosure, Guid, Item};
use serde::{Deserialize, Serialize};

use crate::{Audio, Error, Loudness, Stop, file, slug, waveform};

const FEED: &str = "feed.xml";
const NOTES: &str = "episodes";
const LOCK: &str = ".feed.lock";

/// What a feed says about the show as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Show {
    /// The name listeners see.
    pub title: String,
    /// The address under which the output folder is served, with or without a slash at its end.
    pub link: String,
    /// One sentence on what the show is about.
    pub description: String,
    /// Who speaks.
    pub author: String,
    /// The language spoken, as in `en` or `pt-br`.
    pub language: String,
}

impl Show {
    /// A show in English with this title, by an author of the same name.
    #[must_use]
    pub fn new(title: &str, link: &str) -> Self {
        Self {
            title: title.to_owned(),
            link: link.to_owned(),
            description: title.to_owned(),
            author: title.to_owned(),
            language: "en".to_owned(),
        }
    }

    fn address(&self, file: &str) -> String {
        format!("{}/{file}", self.link.trim_end_matches('/'))
    }
}

/// A released episode: the note kept beside the feed, from which the feed is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Names the episode for ever. It is fixed at the first release, even if the show moves.
    pub guid: String,
    /// The title listeners see.
    pub title: String,
    /// When it was first released.
    pub published: Timestamp,
    /// The name of the MP3 file in the output folder.
    pub audio: String,
    /// The size of that file, in bytes.
    pub bytes: u64,
    /// The name of the waveform image in the output folder.
    pub waveform: String,
    /// How long it lasts, in seconds.
    pub seconds: f64,
    /// How loud it is.
    pub loudness: Loudness,
}

/// Publishes what [`optimize`](crate::optimize) made in the folder `out`: the MP3 file, its waveform, and
/// `feed.xml` with every episode released there, newest first.
///
/// To release an episode again replaces its files and keeps its guid and its date. Several releases into one folder
/// may run at once, in one process or several: each waits for its turn to write the feed.
///
/// # Errors
///
/// [`Error::Stopped`], [`Error::Note`] if an earlier episode's note is broken, [`Error::SameFile`], [`Error::Io`] and
/// those of [`Decoder`](crate::Decoder).
pub fn release(audio: &Audio, show: &Show, out: &Path, stop: Stop<'_>) -> Result<Episode, Error> {
    let slug = slug(&audio.source);
    let (mp3, png) = (format!("{slug}.mp3"), format!("{slug}.png"));
    file::spare(&audio.source, &out.join(&mp3))?;
    waveform::draw(&audio.file, &out.join(&png), stop)?;
    if stop() {
        return Err(Error::Stopped);
    }
    let bytes = file::copy(&audio.file, &out.join(&mp3))?;

    let _turn = lock(out)?;
    let note = out.join(NOTES).join(format!("{slug}.json"));
    let earlier = read_note(&note)?;
    let episode = Episode {
        guid: earlier.as_ref().map_or_else(|| show.address(&slug), |earlier| earlier.guid.clone()),
        title: audio.title.clone(),
        published: earlier.map_or_else(this_second, |earlier| earlier.published),
        audio: mp3,
        bytes,
        waveform: png,
        seconds: audio.seconds,
        loudness: audio.loudness,
    };
    let text = serde_json::to_vec_pretty(&episode).map_err(|source| Error::Note { path: note.clone(), source })?;
    file::write(&note, &text)?;
    write_feed(show, out)?;
    Ok(episode)
}

/// Waits for the turn to write this feed. The turn ends when the file is dropped, or its process dies.
fn lock(out: &Path) -> Result<File, Error> {
    let path = out.join(LOCK);
    let file = File::create(&path).map_err(Error::io("lock", &path))?;
    file.lock().map_err(Error::io("lock", &path))?;
    Ok(file)
}

/// Feeds write dates in seconds; a finer order in the notes would be one that no reader of the feed can see.
fn this_second() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn read_note(path: &Path) -> Result<Option<Episode>, Error> {
    match fs::read(path) {
        Ok(text) => {
            let broken = |source| Error::Note { path: path.to_owned(), source };
            serde_json::from_slice(&text).map(Some).map_err(broken)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

fn read_notes(folder: &Path) -> Result<Vec<Episode>, Error> {
    let mut episodes = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("list", folder))? {
        let path = entry.map_err(Error::io("list", folder))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            episodes.extend(read_note(&path)?);
        }
    }
    episodes.sort_by(|a, b| b.published.cmp(&a.published).then_with(|| a.guid.cmp(&b.guid)));
    Ok(episodes)
}

fn write_feed(show: &Show, out: &Path) -> Result<(), Error> {
    let episodes = read_notes(&out.join(NOTES))?;
    let path = out.join(FEED);
    let mut xml = channel(show, &episodes)
        .pretty_write_to(Vec::new(), b' ', 2)
        .map_err(|error| Error::refused("write", &path, &error))?;
    xml.push(b'\n');
    file::write(&path, &xml)
}

fn channel(show: &Show, episodes: &[Episode]) -> Channel {
    Channel {
        title: show.title.clone(),
        link: show.link.clone(),
        description: show.description.clone(),
        language: Some(show.language.clone()),
        generator: Some("jobwork podcast example".to_owned()),
        // The newest episode's date and not the clock's, so that the same episodes give the same feed.
        last_build_date: episodes.first().map(|newest| date(newest.published)),
        items: episodes.iter().map(|episode| item(show, episode)).collect(),
        itunes_ext: Some(ITunesChannelExtension {
            author: Some(show.author.clone()),
            explicit: Some("false".to_owned()),
            summary: Some(show.description.clone()),
            r#type: Some("episodic".to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn item(show: &Show, episode: &Episode) -> Item {
    let waveform = show.address(&episode.waveform);
    let description = format!("<p><img src=\"{waveform}\" alt=\"waveform\"></p>\n<p>{}</p>", episode.loudness);
    Item {
        title: Some(episode.title.clone()),
        description: Some(description),
        guid: Some(Guid { value: episode.guid.clone(), permalink: false }),
        pub_date: Some(date(episode.published)),
        enclosure: Some(Enclosure {
            url: show.address(&episode.audio),
            length: episode.bytes.to_string(),
            mime_type: "audio/mpeg".to_owned(),
        }),
        itunes_ext: Some(ITunesItemExtension {
            author: Some(show.author.clone()),
            duration: Some(duration(episode.seconds)),
            explicit: Some("false".to_owned()),
            episode_type: Some("full".to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn date(moment: Timestamp) -> String {
    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&moment).unwrap_or_else(|_| moment.to_string())
}

/// As podcast apps show it: `0:17`, `1:02:03`.
fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_clocks_do() {
        assert_eq!(duration(17.4), "0:17");
        assert_eq!(duration(59.6), "1:00");
        assert_eq!(duration(3723.0), "1:02:03");
    }
}
