use std::fmt::Write;

use jiff::tz::TimeZone;
use serde_json::Value;
use tracing::Level;

use super::Render;
use super::fields::{self, Fields};
use super::layer::Line;
use crate::cli::out::printable;

/// `18:03:07  INFO completed  send_email 0000002a #1  ms=12`
pub(super) struct Text {
    /// Short times and ids, for somebody who watches.
    pub(super) for_eyes: bool,
    pub(super) colours: bool,
}

const DIM: u8 = 2;
const BOLD: u8 = 1;

impl Render for Text {
    fn render(&self, line: &Line<'_>) -> String {
        let level = *line.metadata.level();
        let mut text = self.paint(DIM, &self.time(line));
        let _ = write!(text, " {} ", self.paint(colour(level), &format!("{level:>5}")));
        text.push_str(&one_line(&line.fields.text("message")));
        if let Some(job) = line.job {
            let _ = write!(text, "  {}", self.job(job));
        }
        let spans = line.spans.iter().flat_map(|(_, fields)| fields.iter());
        let rest = spans.chain(line.fields.iter()).filter(|(name, _)| *name != "message");
        let mut gap = "  ";
        for (name, value) in rest {
            let _ = write!(text, "{gap}{}{}", self.paint(DIM, &format!("{name}=")), quoted(value));
            gap = " ";
        }
        text.push('\n');
        text
    }
}

impl Text {
    fn time(&self, line: &Line<'_>) -> String {
        if !self.for_eyes {
            return line.time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        }
        line.time.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
    }

    /// Name, id and attempt. The end of an id tells more than its beginning, which is the time.
    fn job(&self, job: &Fields) -> String {
        let id = job.text("id");
        let id = if self.for_eyes { id.get(id.len().saturating_sub(8)..).unwrap_or(&id) } else { &id };
        let name = self.paint(BOLD, &one_line(&job.text("name")));
        format!("{name} {} #{}", self.paint(DIM, id), job.text("attempt"))
    }

    fn paint(&self, code: u8, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn colour(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

/// A value that can be told from what stands after it.
fn quoted(value: &Value) -> String {
    let text = fields::text(value);
    match text.is_empty() || text.contains(|char: char| char.is_whitespace() || char.is_control() || char == '"') {
        true => format!("{text:?}"),
        false => text,
    }
}

fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}
