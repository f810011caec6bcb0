use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use crate::job::JobId;

/// What is known of each of some jobs. The hasher is a quick one, since every job that runs is looked up a few times.
pub(crate) type ById<T> = HashMap<JobId, T, RandomState>;

/// Some jobs.
pub(crate) type JobIds = HashSet<JobId, RandomState>;
