//! What the macros accept and refuse, a rule a file; `TRYBUILD=overwrite` writes the expected messages anew.

#[test]
fn the_macros_keep_their_rules() {
    let cases = trybuild::TestCases::new();
    for macro_name in ["job", "chain", "main"] {
        cases.pass(format!("ui/{macro_name}/pass/*.rs"));
        cases.compile_fail(format!("ui/{macro_name}/fail/*.rs"));
    }
}
