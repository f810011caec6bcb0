//! A system call, as `strace -f -y -xx` prints it.

use anyhow::Context;

/// A line of its output.
#[derive(Debug, PartialEq)]
pub(super) enum Printed<'t> {
    /// The call with its arguments, and its answer if that is on the same line.
    Begins { call: Call<'t>, answer: Option<Answer> },
    /// The answer to the last call of the thread.
    Ends(Answer),
    /// Anything else: a signal, the end of a thread.
    Other,
}

/// The answer; `None` of a call that failed, or never returned.
pub(super) type Answer = Option<i64>;

/// A call.
#[derive(Debug, PartialEq)]
pub(super) struct Call<'t> {
    pub(super) name: &'t str,
    arguments: Vec<&'t str>,
}

/// Reads a line: the thread, and what it does.
pub(super) fn read(line: &str) -> anyhow::Result<(u32, Printed<'_>)> {
    let read = || {
        let (thread, rest) = line.split_once(' ')?;
        Some((thread.parse().ok()?, printed(rest.trim_start())?))
    };
    read().with_context(|| format!("what strace printed can't be read: {line:.200}"))
}

fn printed(text: &str) -> Option<Printed<'_>> {
    if text.starts_with("+++") || text.starts_with("---") {
        return Some(Printed::Other);
    }
    if text.starts_with("<... ") {
        return Some(Printed::Ends(answer(text.rsplit_once(" = ")?.1)));
    }
    let (name, rest) = text.split_once('(')?;
    let (arguments, answered) = match rest.strip_suffix(" <unfinished ...>") {
        Some(arguments) => (arguments, None),
        // The end of a line is padded before the answer.
        None => rest
            .rsplit_once(" = ")
            .and_then(|(call, text)| Some((call.trim_end().strip_suffix(')')?, Some(answer(text)))))?,
    };
    // No text has a comma: all are printed as numbers.
    Some(Printed::Begins { call: Call { name, arguments: arguments.split(", ").collect() }, answer: answered })
}

fn answer(text: &str) -> Answer {
    let digits = text.split(|c: char| !c.is_ascii_hexdigit() && c != 'x' && c != '-').next()?;
    match digits.strip_prefix("0x") {
        // The address of a mapping, of which it matters only that there is one.
        Some(_) => Some(0),
        None => digits.parse().ok().filter(|answer| *answer >= 0),
    }
}

impl<'t> Call<'t> {
    fn argument(&self, number: usize) -> anyhow::Result<&'t str> {
        let all = || format!("{} has no argument {number}", self.name);
        self.arguments.get(number).copied().with_context(all)
    }

    /// The path of an open file; `None` of what has none (any more).
    pub(super) fn open_file(&self, number: usize) -> anyhow::Result<Option<String>> {
        let argument = self.argument(number)?;
        let path = argument.split_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
        path.map(|path| Ok(String::from_utf8(bytes(path)?)?)).transpose()
    }

    /// A text between quotes.
    pub(super) fn bytes(&self, number: usize) -> anyhow::Result<Vec<u8>> {
        let argument = self.argument(number)?;
        let quoted = argument.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        bytes(quoted.with_context(|| format!("{}: an argument was cut short: {argument:.80}", self.name))?)
    }

    /// A path, not made absolute.
    pub(super) fn path(&self, number: usize) -> anyhow::Result<String> {
        Ok(String::from_utf8(self.bytes(number)?)?)
    }

    pub(super) fn number(&self, number: usize) -> anyhow::Result<usize> {
        let argument = self.argument(number)?;
        argument.parse().with_context(|| format!("{}: {argument:.80} is no number", self.name))
    }

    /// Whether an argument of flags has this one.
    pub(super) fn has(&self, number: usize, flag: &str) -> bool {
        self.arguments.get(number).is_some_and(|flags| flags.split('|').any(|given| given == flag))
    }

    /// Whether any argument has this text in it, which is no number.
    pub(super) fn mentions(&self, text: &str) -> bool {
        let printed: String = text.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
        self.arguments.iter().any(|argument| argument.contains(&printed))
    }
}

/// `\x6a\x6f\x62` as bytes.
fn bytes(printed: &str) -> anyhow::Result<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let byte = |four: &[u8]| match four {
        [b'\\', b'x', high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    let read: Option<Vec<u8>> = printed.as_bytes().chunks(4).map(byte).collect();
    read.with_context(|| format!("not printed as numbers: {printed:.80}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_with_its_answer() {
        let line = r#"71  pwrite64(5<\x2f\x61>, "\x00\xff", 2, 4096) = 2"#;
        let (thread, Printed::Begins { call, answer }) = read(line).unwrap() else { panic!() };
        assert_eq!((thread, call.name, answer), (71, "pwrite64", Some(Some(2))));
        assert_eq!(call.open_file(0).unwrap().as_deref(), Some("/a"));
        assert_eq!((call.bytes(1).unwrap(), call.number(3).unwrap()), (vec![0, 255], 4096));
    }

    #[test]
    fn a_call_that_others_interrupt_is_read_in_two_parts() {
        let (_, begun) = read(r"7 fdatasync(5<\x2f\x61> <unfinished ...>").unwrap();
        assert!(matches!(begun, Printed::Begins { answer: None, .. }));
        assert_eq!(read("7 <... fdatasync resumed>) = 0").unwrap(), (7, Printed::Ends(Some(0))));
        assert_eq!(read("7 <... fdatasync resumed>) = -1 EIO (x)").unwrap(), (7, Printed::Ends(None)));
    }

    #[test]
    fn a_file_without_a_name_has_no_path_and_a_text_cut_short_is_no_text() {
        let line = r#"7 write(5<\x2f\x61>(deleted), "\x00"..., 99) = 99"#;
        let (_, Printed::Begins { call, .. }) = read(line).unwrap() else { panic!() };
        assert_eq!(call.open_file(0).unwrap(), None);
        assert!(call.bytes(1).is_err());
    }
}
