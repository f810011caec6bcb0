//! Tests of jobwork that cross crates or processes; nothing but its `tests` directory.
