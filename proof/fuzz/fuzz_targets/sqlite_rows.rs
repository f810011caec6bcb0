#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jobwork_proof::bad_input::sqlite_rows(bytes));
