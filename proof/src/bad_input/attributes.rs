use arbitrary::{Result, Unstructured};
use jobwork_macros_open as macros;
use proc_macro2::{TokenStream, TokenTree};

/// Deeper than this nobody writes, and the compiler itself gives up.
const DEEPEST: usize = 40;

/// Words that mean something in an attribute or a function, whole or in part.
const WORDS: [&str; 76] = [
    "queue",
    "retries",
    "backoff",
    "timeout",
    "priority",
    "name",
    "cron",
    "tz",
    "missed",
    "unique",
    "debounce",
    "throttle",
    "concurrency",
    "rate",
    "key",
    "ordered",
    "encrypted",
    "middleware",
    "on_error",
    "retry_if",
    "crate",
    "by",
    "window",
    "states",
    "on_conflict",
    "replace",
    "group",
    "tags",
    "blocking",
    "version",
    "retain",
    "expires",
    "delay",
    "=",
    "==",
    ",",
    ";",
    ":",
    "::",
    "->",
    "=>",
    "|",
    "&",
    "'a",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "#",
    "!",
    "\"mail\"",
    "\"5s\"",
    "\"100/1m\"",
    "\"0 3 * * *\"",
    "\"\"",
    "0",
    "-1",
    "99999999999999999999",
    "1.5",
    "b'x'",
    "true",
    "async",
    "fn",
    "self",
    "job",
    "impl",
    "dyn",
    "where",
    "to",
    "String",
    "Result",
    "_",
];

const ARGS: [&str; 8] = [
    "queue = \"mail\", retries = 3",
    "unique(by = [to], window = \"1h\", states = [ready, running], on_conflict = replace(args))",
    "concurrency(2, key = to), rate(\"100/1m\", key = to), ordered(key = to)",
    "debounce(\"5s\", by = [to], at_most = \"1m\")",
    "backoff = exponential(\"1s\", \"1m\"), timeout = \"5s\"",
    "cron = \"0 3 * * *\", tz = \"Europe/Vienna\", missed = \"2h\"",
    "on_error = tell, middleware = [a, b(1)]",
    "",
];

const ITEMS: [&str; 8] = [
    "async fn send(to: String) -> Result<(), JobError> { Ok(()) }",
    "pub fn crop(#[serde(rename = \"file\")] path: PathBuf, job: &JobContext, db: State<Db>) -> u32 { 1 }",
    "async fn app(app: App) -> App { app }",
    "fn daily() -> impl Steps { [Fetch, Store] }",
    "struct Mail;",
    "Fetch(1) -> [Store, Send(_, 2)] -> Done",
    "A, B, C",
    "",
];

/// The macros, given any tokens: there is code, or an error for the compiler to show.
///
/// # Panics
/// Where there is neither.
pub fn attributes(bytes: &[u8]) {
    expand(&String::from_utf8_lossy(bytes), "async fn send(to: String) {}");
    expand("", &String::from_utf8_lossy(bytes));
    let mut input = Unstructured::new(bytes);
    if let (Ok(args), Ok(item)) = (soup(&mut input, &ARGS), soup(&mut input, &ITEMS)) {
        expand(&args, &item);
    }
}

/// Something sound in which words are missing, doubled, exchanged or added.
fn soup(input: &mut Unstructured<'_>, sound: &[&str]) -> Result<String> {
    let whole: TokenStream = input.choose(sound)?.parse().expect("what is sound is made of tokens");
    let mut words: Vec<String> = flat(whole);
    for _ in 0..input.int_in_range(0..=6)? {
        let place = input.int_in_range(0..=words.len())?;
        match input.int_in_range(0..=3)? {
            0 if place < words.len() => drop(words.remove(place)),
            1 if place < words.len() => words.insert(place, words[place].clone()),
            2 if place < words.len() => words[place] = (*input.choose(&WORDS)?).to_owned(),
            _ => words.insert(place, (*input.choose(&WORDS)?).to_owned()),
        }
    }
    Ok(words.join(" "))
}

/// Each token by itself, brackets among them.
fn flat(tokens: TokenStream) -> Vec<String> {
    let apart = |token: TokenTree| match token {
        TokenTree::Group(group) => {
            let text =
                TokenStream::from(TokenTree::Group(proc_macro2::Group::new(group.delimiter(), TokenStream::new())))
                    .to_string();
            let brackets: Vec<String> = text.chars().filter(|c| !c.is_whitespace()).map(String::from).collect();
            let (open, close) = brackets.split_at(brackets.len() / 2);
            [open, &flat(group.stream()), close].concat()
        }
        other => vec![other.to_string()],
    };
    // A lifetime is two tokens, and a double colon too, which belong together.
    tokens
        .into_iter()
        .flat_map(apart)
        .collect::<Vec<_>>()
        .join(" ")
        .replace("' ", "'")
        .replace(": :", "::")
        .replace("- >", "->")
        .split(' ')
        .map(str::to_owned)
        .collect()
}

fn expand(args: &str, item: &str) {
    if depth(args).max(depth(item)) > DEEPEST {
        return;
    }
    // What is not even tokens, the compiler refuses by itself.
    let (Ok(args), Ok(item)) = (args.parse::<TokenStream>(), item.parse::<TokenStream>()) else { return };
    // The body of a function passes through as it is, and what is wrong there the compiler tells by itself.
    let is_function = syn::parse2::<syn::ItemFn>(item.clone()).is_ok();
    for (name, made) in [
        ("job", macros::job(args.clone(), item.clone())),
        ("named_chain", macros::named_chain(args.clone(), item.clone())),
        ("main", macros::main(args.clone(), item.clone())),
    ] {
        let is_code = || !is_function || syn::parse2::<syn::File>(made.clone()).is_ok();
        assert!(made.to_string().contains("compile_error") || is_code(), "#[{name}({args})] {item}\nbecame {made}");
    }
    let made = macros::chain(item.clone());
    let is_code = || syn::parse2::<syn::Expr>(made.clone()).is_ok();
    assert!(made.to_string().contains("compile_error") || is_code(), "chain![{item}]\nbecame {made}");
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for character in text.chars() {
        match character {
            '(' | '[' | '{' | '<' | '!' | '&' | '*' | '-' | '|' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
