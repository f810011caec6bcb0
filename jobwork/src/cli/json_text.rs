use serde::de::IgnoredAny;
use serde_json::Value;

use super::exit::{Exit, Failure};

/// How much of a long line is shown on each side of a mistake.
const AROUND: usize = 40;

/// Checks that the text is what arguments are: a JSON object or array.
pub(super) fn check_syntax(text: &str) -> Result<(), Failure> {
    serde_json::from_str::<IgnoredAny>(text)
        .map_err(|error| Failure::new(Exit::Usage, format!("the arguments are not JSON: {}", pointed(text, &error))))?;
    if text.starts_with(['{', '[']) {
        return Ok(());
    }
    let expected = "expected a JSON object by parameter name, or an array in parameter order";
    Err(Failure::new(Exit::Usage, format!("{expected}; got {text}")))
}

/// The error, and under it the place where it is.
pub(super) fn pointed(text: &str, error: &serde_json::Error) -> String {
    let message = error.to_string();
    let Some(line) = error.line().checked_sub(1).and_then(|at| text.split('\n').nth(at)) else { return message };
    // Columns count bytes, from 1; at the end of the text they stand on the last one.
    let before: usize = line.char_indices().take_while(|(at, _)| at + 1 < error.column()).count();
    let start = before.saturating_sub(AROUND);
    let shown: String = line.chars().skip(start).take(2 * AROUND).collect();
    format!("{message}\n  {shown}\n  {:>width$}", "^", width = before - start + 1)
}

/// Stored JSON as it is; what is none, as a string.
pub(super) fn embedded(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_pointed_at() {
        let message = check_syntax("{\"to\":\n \"än\" x}").unwrap_err().message;
        let lines: Vec<&str> = message.lines().collect();
        assert!(lines[0].contains("line 2 column 8"), "{message}");
        assert_eq!(lines[1..], ["   \"än\" x}", "        ^"]);
    }

    #[test]
    fn a_long_line_is_cut_round_the_mistake() {
        let text = format!("[{}x]", "1,".repeat(100));
        let message = check_syntax(&text).unwrap_err().message;
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines[1].chars().nth(lines[2].find('^').unwrap()), Some('x'), "{message}");
    }

    #[test]
    fn an_empty_text_and_a_bare_value_are_refused() {
        assert!(check_syntax("").unwrap_err().message.contains("EOF"));
        assert!(check_syntax("7").unwrap_err().message.contains("object by parameter name"));
        check_syntax("[7]").unwrap();
    }
}
