//! Files that are no store of ours.

use super::*;

async fn refusal(path: impl Into<std::path::PathBuf>) -> String {
    Sqlite::open(path).await.unwrap_err().to_string()
}

#[tokio::test]
async fn what_is_not_a_database_is_refused_with_the_reason() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("text.db");
    fs::write(&file, "this is a text that is not the beginning of any database".repeat(20)).unwrap();
    assert!(refusal(&file).await.contains("not an sqlite database"));
    assert!(refusal(directory.path()).await.contains("it is a directory"));
    let missing = directory.path().join("missing");
    let refused = refusal(missing.join("jobs.db")).await;
    assert!(refused.contains(&format!("its directory {} ", missing.display())), "{refused}");
}

#[tokio::test]
async fn a_file_that_can_not_be_written_is_refused() {
    let directory = TempDir::new().unwrap();
    drop(open(&directory).await);
    let file = directory.path().join("jobs.db");
    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).unwrap();
    assert!(refusal(file).await.contains("read-only"));
    // A directory in which not even root can make a file.
    #[cfg(target_os = "linux")]
    assert!(refusal("/proc/jobs.db").await.contains("can't be created or opened"));
}

#[tokio::test]
async fn tables_of_a_newer_jobwork_are_refused_with_both_versions() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let file = super::super::open::connect(store.path()).unwrap();
    file.execute("UPDATE jobwork_schema SET version = 99", []).unwrap();
    drop(store);
    let refused = refusal(directory.path().join("jobs.db")).await;
    assert!(refused.contains("version 99") && refused.contains("up to 1"), "{refused}");
}
