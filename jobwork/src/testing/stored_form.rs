use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::job::Job;
use crate::perform::{Perform, decode};

/// The environment variable that asks for the file to be written.
const UPDATE: &str = "JOBWORK_UPDATE_GOLDEN";

/// Fails when the stored form of a job's arguments is not the one that a file keeps.
///
/// Jobs outlive the program that dispatched them: a renamed or retyped argument makes those that are in the store
/// undecodable with the next deploy. So keep an example of each job's stored form beside your tests:
///
/// ```
/// # #[cfg(feature = "macros")] mod example {
/// use jobwork::prelude::*;
/// use jobwork::testing::assert_stored_form;
///
/// #[job]
/// async fn send_email(to: String, text: String) {}
///
/// # pub
/// fn the_stored_form_of_send_email_is_the_known_one() {
///     assert_stored_form!(SendEmail::new("ann", "hi"), "tests/golden/send_email.json");
/// }
/// # }
/// # #[cfg(feature = "macros")] example::the_stored_form_of_send_email_is_the_known_one();
/// ```
///
/// The path is relative to the package. With `JOBWORK_UPDATE_GOLDEN=1` in the environment, a form that is new to the file,
/// because the file or this version of the job is, is written there; check it in. When the form of one version changes, the
/// test fails: undo the change, or raise the version (`#[job(version = 2, upgrade = from_v1)]`). The forms of older
/// versions stay in the file, and each must still be upgraded and decoded; strike one out when no store has it any more.
///
/// # Panics
/// In all these cases, with what differs and what to do.
#[macro_export]
macro_rules! assert_stored_form {
    ($job:expr, $path:expr $(,)?) => {
        $crate::testing::check_stored_form(&$job, ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", $path))
    };
}

pub use assert_stored_form;

/// What [`assert_stored_form!`] does, for a path that is relative to the working directory.
///
/// # Panics
/// When the stored form is not the known one, with what differs and what to do.
#[track_caller]
pub fn check_stored_form<J: Perform>(job: &J, path: impl AsRef<Path>) {
    let update = std::env::var_os(UPDATE).is_some_and(|asked| !asked.is_empty() && asked != "0");
    if let Err(problem) = check(job, path.as_ref(), update) {
        panic!("{problem}");
    }
}

/// The file: the name, and a form for each version that a store may have.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    job: String,
    forms: Vec<Form>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    version: u32,
    args: Value,
}

fn check<J: Perform>(job: &J, path: &Path, update: bool) -> Result<(), String> {
    let args = serde_json::to_value(job).map_err(|error| format!("can't write `{}` as JSON: {error}", J::NAME))?;
    let today = Form { version: J::OPTIONS.version, args };
    let mut known = read::<J>(path, update)?;
    check_name::<J>(&known, path)?;
    known.forms.iter().try_for_each(|form| check_readable::<J>(form, path))?;
    match known.forms.iter().find(|form| form.version == today.version) {
        Some(form) if form.args == today.args => Ok(()),
        Some(form) => Err(changed::<J>(form, &today, path)),
        None if update => {
            known.job = J::NAME.to_owned();
            known.forms.push(today);
            write(&known, path)
        }
        None => Err(format!(
            "{} has no form of version {} of `{}` yet: run this test once with {UPDATE}=1, and check the file in",
            path.display(),
            today.version,
            J::NAME
        )),
    }
}

fn read<J: Job>(path: &Path, update: bool) -> Result<Known, String> {
    match fs::read_to_string(path) {
        Ok(text) => {
            serde_json::from_str(&text).map_err(|error| format!("{} holds no stored form: {error}", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && update => {
            Ok(Known { job: J::NAME.to_owned(), forms: Vec::new() })
        }
        Err(error) => Err(format!(
            "can't read {}: {error}; if it is not there yet, run this test once with {UPDATE}=1, and check the file in",
            path.display()
        )),
    }
}

fn write(known: &Known, path: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("can't write {}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let text = serde_json::to_string_pretty(known).map_err(|error| failed(error.into()))?;
    fs::write(path, text + "\n").map_err(failed)
}

fn check_name<J: Job>(known: &Known, path: &Path) -> Result<(), String> {
    if known.job == J::NAME || J::ALIASES.contains(&known.job.as_str()) {
        return Ok(());
    }
    let (old, new, path) = (&known.job, J::NAME, path.display());
    Err(format!(
        "{path} is of the job `{old}`, and this one is stored as `{new}`: jobs that are in a store under the old name would \
         wait for ever. Keep the name with `name = \"{old}\"`, or serve both with `alias = [\"{old}\"]`"
    ))
}

/// A form that a store may have must still lead to a job of today.
fn check_readable<J: Perform>(form: &Form, path: &Path) -> Result<(), String> {
    if form.version >= J::OPTIONS.version {
        return Ok(()); // compared with what is stored today
    }
    decode::<J>(form.version, &form.args.to_string())
        .map(drop)
        .map_err(|error| format!("version {} in {} can't be read any more: {error}", form.version, path.display()))
}

fn changed<J: Job>(known: &Form, today: &Form, path: &Path) -> String {
    let (name, version, next) = (J::NAME, today.version, today.version + 1);
    let mut message =
        format!("the stored form of `{name}` (version {version}) is not the one in {}:\n", path.display());
    differences(&known.args, &today.args, &mut message);
    let _ = write!(
        message,
        "Jobs that are in a store have the form of the file. Undo the change; or let them be upgraded, with \
         `#[job(version = {next}, upgrade = ..)]`, and run this test once with {UPDATE}=1. If only the example is \
         another one, take the form out of the file first."
    );
    message
}

/// A line for each key that is in one only, or has another value.
fn differences(known: &Value, today: &Value, message: &mut String) {
    let (Some(old), Some(new)) = (known.as_object(), today.as_object()) else {
        let _ = write!(message, "  file: {known}\n  now:  {today}\n");
        return;
    };
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let _ = match (old.get(key), new.get(key)) {
            (Some(old), Some(new)) if old == new => Ok(()),
            (Some(old), Some(new)) => writeln!(message, "  {key}: {old} in the file, {new} now"),
            (Some(old), None) => writeln!(message, "  {key}: {old} in the file, gone now"),
            (None, new) => writeln!(message, "  {key}: not in the file, {} now", new.unwrap_or(&Value::Null)),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::job::{JobError, JobOptions};
    use crate::perform::{JobContext, Upgrades};

    macro_rules! job {
        ($job:ident, $name:literal, [$($alias:literal)*], $version:literal, { $($items:tt)* }) => {
            impl Job for $job {
                type Output = ();
                type Params = ();
                const NAME: &'static str = $name;
                const ALIASES: &'static [&'static str] = &[$($alias)*];
                const FIELDS: &'static [&'static str] = &[];
                const OPTIONS: JobOptions = JobOptions::DEFAULT.version($version);
            }
            impl Perform for $job {
                $($items)*
                async fn perform(self, _: JobContext) -> Result<(), JobError> {
                    Ok(())
                }
            }
        };
    }

    #[derive(Serialize, Deserialize)]
    struct Mail {
        to: String,
        copies: u8,
    }
    job!(Mail, "mail", [], 1, {});

    #[derive(Serialize, Deserialize)]
    struct Renamed {
        recipient: String,
        copies: u8,
    }
    job!(Renamed, "mail", [], 1, {});

    #[derive(Serialize, Deserialize)]
    struct Upgraded {
        recipient: String,
        copies: u8,
    }
    job!(Upgraded, "post", ["mail"], 2, {
        fn upgrade(version: u32, args: &str) -> Result<Self, JobError> {
            let from_v1 = |old: Mail| Self { recipient: old.to, copies: old.copies };
            Upgrades::to().from(from_v1).read(version, args)
        }
    });

    #[derive(Serialize, Deserialize)]
    struct Abrupt {
        recipient: String,
    }
    job!(Abrupt, "mail", [], 2, {});

    #[derive(Serialize, Deserialize)]
    struct Letter {
        to: String,
        copies: u8,
    }
    job!(Letter, "letter", [], 1, {});

    fn mail() -> Mail {
        Mail { to: "ann".to_owned(), copies: 1 }
    }

    fn upgraded() -> Upgraded {
        Upgraded { recipient: "ann".to_owned(), copies: 1 }
    }

    /// A file with the form of [`mail`].
    fn kept() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("golden/mail.json");
        check(&mail(), &path, true).unwrap();
        (folder, path)
    }

    #[test]
    fn a_form_is_written_when_asked_for_and_then_compared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail.json");
        let missing = check(&mail(), &path, false).unwrap_err();
        assert!(missing.contains("run this test once with JOBWORK_UPDATE_GOLDEN=1"), "{missing}");
        check(&mail(), &path, true).unwrap();
        check(&mail(), &path, false).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let form = serde_json::json!({ "version": 1, "args": { "to": "ann", "copies": 1 } });
        assert_eq!(value, serde_json::json!({ "job": "mail", "forms": [form] }));
    }

    #[test]
    fn a_changed_form_of_one_version_fails_even_when_an_update_is_asked_for() {
        let (_folder, path) = kept();
        for update in [false, true] {
            let problem = check(&Renamed { recipient: "ann".to_owned(), copies: 2 }, &path, update).unwrap_err();
            assert!(problem.contains("  to: \"ann\" in the file, gone now\n"), "{problem}");
            assert!(problem.contains("  recipient: not in the file, \"ann\" now\n"), "{problem}");
            assert!(problem.contains("  copies: 1 in the file, 2 now\n"), "{problem}");
            assert!(problem.contains("#[job(version = 2, upgrade = ..)]"), "{problem}");
        }
    }

    #[test]
    fn a_new_version_wants_its_form_written_and_keeps_the_old_one() {
        let (_folder, path) = kept();
        let problem = check(&upgraded(), &path, false).unwrap_err();
        assert!(problem.contains("has no form of version 2 of `post` yet"), "{problem}");
        check(&upgraded(), &path, true).unwrap();
        check(&upgraded(), &path, false).unwrap();
        let known: Known = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(known.forms.iter().map(|form| form.version).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(known.job, "post");
    }

    #[test]
    fn an_old_form_that_has_no_way_to_today_fails() {
        let (_folder, path) = kept();
        let problem = check(&Abrupt { recipient: "ann".to_owned() }, &path, true).unwrap_err();
        assert!(problem.starts_with("version 1 in ") && problem.contains("no upgrade from theirs"), "{problem}");
    }

    #[test]
    fn another_name_fails_unless_it_is_an_alias() {
        let (_folder, path) = kept();
        let problem = check(&Letter { to: "ann".to_owned(), copies: 1 }, &path, false).unwrap_err();
        assert!(problem.contains("alias = [\"mail\"]"), "{problem}");
    }
}
