use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

use crate::job::JobId;

/// What is known of each of some jobs. The hasher is a quick one, since every job that runs is looked up a few times. It is the same one in every
/// run, so that jobs which are told something together are told in an order that can be replayed; stores choose the ids, and nobody else can.
pub(crate) type ById<T> = HashMap<JobId, T, FixedState>;

/// Some jobs.
pub(crate) type JobIds = HashSet<JobId, FixedState>;
