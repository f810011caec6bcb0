//! Finds the files that can become episodes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// The extensions of files that can become episodes, in lower case.
pub const EXTENSIONS: [&str; 7] = ["aac", "flac", "m4a", "mp3", "oga", "ogg", "wav"];

/// Lists the audio files among `paths`, sorted, each once. A folder stands for the audio files directly in it;
/// its other files and its hidden files are passed over.
///
/// Only names are looked at: a file that is not what its extension says is found here and refused by
/// [`process`](crate::process) with [`Error::Decode`].
///
/// # Errors
///
/// [`Error::Missing`], [`Error::NoEpisodes`] for a folder without audio files, [`Error::Extension`] for a named
/// file of another kind, [`Error::SameName`] when two files would be published under one name, [`Error::Io`].
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(in_folder(path)?);
        } else if !path.exists() {
            return Err(Error::Missing { path: path.clone() });
        } else if is_audio(path) {
            files.push(path.clone());
        } else {
            return Err(Error::Extension { path: path.clone() });
        }
    }
    files.sort();
    files.dedup();
    refuse_same_names(&files)?;
    Ok(files)
}

/// The name under which the file is published: its stem in lower case, safe in paths and addresses.
///
/// ```
/// assert_eq!(podcast::slug("talks/01 Welcome & hello.flac".as_ref()), "01-welcome-hello");
/// ```
#[must_use]
pub fn slug(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let mut slug = String::new();
    for letter in stem.chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if letter.is_alphanumeric() {
            // Spelled out, so that titles in other scripts stay different from one another.
            slug.push_str(&format!("u{:x}", u32::from(letter)));
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "episode".to_owned() } else { slug.to_owned() }
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::io("list", folder))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io("list", folder))?.path();
        if is_audio(&path) && !is_hidden(&path) && path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() { Err(Error::NoEpisodes { folder: folder.to_owned() }) } else { Ok(files) }
}

fn is_audio(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn refuse_same_names(files: &[PathBuf]) -> Result<(), Error> {
    let mut taken = BTreeMap::new();
    for file in files {
        let slug = slug(file);
        if let Some(first) = taken.insert(slug.clone(), file) {
            return Err(Error::SameName { first: first.clone(), second: file.clone(), slug });
        }
    }
    Ok(())
}
