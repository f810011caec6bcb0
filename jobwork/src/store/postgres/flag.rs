//! The flags of a job: bits of a number in the tables, and names in the SQL, as `@awaited@`.

/// Others wait for it.
const AWAITED: i32 = 1;
/// It was dispatched with a unique key.
const KEYED: i32 = 1 << 1;
/// It gives its unique key up when it starts.
const KEY_UNTIL_STARTED: i32 = 1 << 2;
/// It is in the order of a key.
const ORDERED: i32 = 1 << 3;
/// It has a part in a batch.
const BATCHED: i32 = 1 << 4;
/// It carries limits, or has slots of a queue's.
const LIMITED: i32 = 1 << 5;
/// It has said something about itself, which stands in tables of its own.
const NOTED: i32 = 1 << 8;
/// It is gone when it has completed.
pub(super) const FLEETING: i32 = 1 << 9;
/// It has a row of details.
const DETAILED: i32 = 1 << 10;
/// It says itself how long it is kept.
const RETAINED: i32 = 1 << 11;
/// It has a time to expire.
const EXPIRES: i32 = 1 << 12;
/// An attempt of it may be in the history.
const REMEMBERED: i32 = 1 << 13;
/// It has been held.
const HELD: i32 = 1 << 14;

/// A claim has to look closer at it.
const SPECIAL: i32 = KEY_UNTIL_STARTED | LIMITED | EXPIRES | HELD;
/// What becomes of it changes what others share with it.
const SHARING: i32 = AWAITED | KEYED | ORDERED | BATCHED | LIMITED | EXPIRES;
/// Nothing is to be done about these when it completes.
const PASSIVE: i32 = DETAILED | REMEMBERED | HELD;

/// Their names in the SQL.
const NAMES: [(&str, i32); 16] = [
    ("@awaited@", AWAITED),
    ("@keyed@", KEYED),
    ("@key_until_started@", KEY_UNTIL_STARTED),
    ("@ordered@", ORDERED),
    ("@batched@", BATCHED),
    ("@limited@", LIMITED),
    ("@noted@", NOTED),
    ("@fleeting@", FLEETING),
    ("@detailed@", DETAILED),
    ("@retained@", RETAINED),
    ("@expires@", EXPIRES),
    ("@remembered@", REMEMBERED),
    ("@held@", HELD),
    ("@special@", SPECIAL),
    ("@sharing@", SHARING),
    ("@passive@", PASSIVE),
];

/// SQL with numbers in the place of flags' names.
pub(super) fn numbered(sql: &str) -> String {
    NAMES.iter().fold(sql.to_owned(), |sql, (name, number)| sql.replace(name, &number.to_string()))
}
