/// Up to three of the known names that are most like the unknown one, the nearest first.
pub(super) fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let likeness = |name: &'a str| (strsim::jaro_winkler(&unknown.to_lowercase(), &name.to_lowercase()), name);
    let mut alike: Vec<(f64, &str)> =
        known.into_iter().map(likeness).filter(|(likeness, _)| *likeness > 0.75).collect();
    alike.sort_by(|one, other| other.0.total_cmp(&one.0));
    alike.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Names as they stand in a sentence: `a`, `b` or `c`.
pub(super) fn choice(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name() {
        let known = ["send_email", "send_mail", "resize_image"];
        assert_eq!(nearest("send_emial", known)[0], "send_email");
        assert_eq!(nearest("SendEmail", known)[0], "send_email");
        assert!(nearest("quux", known).is_empty());
    }

    #[test]
    fn choices() {
        assert_eq!(choice(&[]), "");
        assert_eq!(choice(&["a"]), "`a`");
        assert_eq!(choice(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
