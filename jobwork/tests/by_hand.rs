//! A job written without the macros, dispatched and performed.
use std::time::Duration;

use jobwork::{App, Handling, Job, JobContext, JobError, JobOptions, JobState, Jobs, Perform};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Double(u32);

impl Job for Double {
    type Output = u32;
    type Params = (u32,);
    const NAME: &'static str = "double";
    const FIELDS: &'static [&'static str] = &["0"];
    const OPTIONS: JobOptions = JobOptions::DEFAULT.retries(0);
}

impl Perform for Double {
    fn handling() -> Handling {
        Handling::new().timeout(Duration::from_secs(5))
    }

    async fn perform(self, job: JobContext) -> Result<u32, JobError> {
        assert_eq!(job.attempt(), 1);
        if self.0 == 13 {
            panic!("bad luck")
        }
        Ok(self.0 * 2)
    }
}

#[tokio::test]
async fn a_job_is_performed_and_its_result_waited_for() {
    let jobs = Jobs::connect("memory:").await.unwrap();
    let handle = jobwork::Dispatch::new(Double(21)).on(&jobs).await.unwrap();
    let bad = jobwork::Dispatch::new(Double(13)).on(&jobs).await.unwrap();
    let report = App::new().register::<Double>().jobs(jobs.clone()).run_until_empty().await.unwrap();
    assert_eq!(report.completed, 1);
    assert_eq!(handle.wait().await.unwrap(), 42);
    assert_eq!(bad.status().await.unwrap(), JobState::Dead);
    let failure = jobs.history(bad.id()).await.unwrap()[0].failure.clone().unwrap();
    assert_eq!(failure.message, "panicked: bad luck");
    assert!(failure.detail.unwrap().contains("by_hand.rs"));
    let worker = App::new().register::<Double>().jobs(jobs.clone()).spawn().await.unwrap();
    let handle = jobwork::Dispatch::new(Double(4)).on(&jobs).await.unwrap();
    assert_eq!(handle.wait().await.unwrap(), 8);
    let report = worker.stop_and_wait().await;
    assert_eq!(report.completed, 1);
    jobwork::Dispatch::new(Double(5)).on(&jobs).await.unwrap();
    assert_eq!(App::new().register::<Double>().jobs(jobs.clone()).run_one().await.unwrap().completed, 1);
    assert_eq!(App::new().register::<Double>().jobs(jobs.clone()).run_one().await.unwrap().completed, 0);
}
