use super::law::Law;

/// A guard of the protocol. Its twin, the protocol without it, is broken: it breaks a law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twin {
    /// The guard that it lacks.
    pub without: Guard,
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does wrong.
    pub fault: &'static str,
    /// The law that it breaks first.
    pub breaks: Law,
    /// The scenario in which it does.
    pub scenario: &'static str,
}

/// Declares the guards, each with its twin.
macro_rules! guards {
    ($($(#[$doc:meta])+ $guard:ident, $name:literal: $fault:literal, breaks $law:ident in $scenario:literal;)+) => {
        /// What the protocol does so that the laws hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Guard {
            $($(#[$doc])+ $guard,)+
        }

        /// The broken twins, one for each guard.
        pub const TWINS: &[Twin] = &[
            $(Twin { without: Guard::$guard, name: $name, fault: $fault, breaks: Law::$law, scenario: $scenario },)+
        ];
    };
}

guards! {
    /// An outcome is stored only under the lease of the run that is going on.
    Fence, "no-fence": "outcomes are stored, whoever writes them", breaks Fenced in "answers";
    /// The claim's number is part of the lease.
    ClaimNumber, "no-claim-number": "leases are (job, attempt, worker)", breaks Fenced in "answers";
    /// Only what is ready is claimed.
    OnlyReady, "claims-running": "a claim also takes jobs that are running", breaks OneOwner in "deaths";
    /// What has ended is not claimed.
    NeverEnded, "claims-cancelled": "a claim also takes cancelled jobs", breaks EndedStays in "deaths";
    /// Only workers that the store knows may claim.
    KnownWorkers, "claims-for-the-dead": "a worker may claim after it was declared dead", breaks HasOwner in "deaths";
    /// A claim whose answer was lost has a token, by which it is given back.
    Tokens, "no-token": "a claim whose answer was lost is forgotten", breaks OwnerKnows in "answers";
    /// A claim that was given back is refused when it arrives later.
    Refusal, "no-refusal": "a claim may arrive after it was given back", breaks OwnerKnows in "answers";
    /// Every start is another worker.
    FreshIds, "same-id": "a process that starts again is the worker that it was", breaks OwnerKnows in "deaths";
    /// The heartbeat waits for nothing.
    Heartbeat, "busy-heartbeat": "the heartbeat waits until no job runs", breaks SlowIsNotDead in "deaths";
    /// Only workers are rescued from whose lease has run out.
    ExpiredOnly, "rescue-of-the-living": "a rescue doesn't look at the lease", breaks SlowIsNotDead in "deaths";
    /// Somebody looks for dead workers.
    Rescuers, "no-rescue": "nobody looks for dead workers", breaks Ends in "chain";
    /// A worker that was declared dead goes on under another id.
    StartsOver, "stays-dead": "a worker that was declared dead does not start over", breaks Ends in "alone";
    /// A rescue gives the attempt back.
    RescueIsFree, "rescue-costs": "a rescue uses a retry", breaks AttemptsAddUp in "deaths";
    /// A job that is handed back has its attempt back.
    HandBackIsFree, "hand-back-costs": "a job that is handed back has used a retry", breaks AttemptsAddUp in "answers";
    /// A job is a poison pill after so many deaths and no fewer.
    AllDeaths, "early-poison": "a job is dead as a poison pill one death too early", breaks PoisonAfterDeaths in "deaths";
    /// A worker asks a failing store again.
    WritesAgain, "gives-up": "an outcome that can't be written is forgotten", breaks OutcomesKept in "answers";
    /// What a worker has to write stays what it is.
    KeepsOutcomes, "runs-again": "a job whose outcome can't be written is handed back", breaks OutcomesKept in "answers";
    /// A worker that leaves hands back what it still has.
    LeaveHandsBack, "just-leaves": "a worker that leaves is forgotten, and its jobs with it", breaks HasOwner in "alone";
    /// A cancel by hand overrules a retry.
    CancelStands, "retry-beats-cancel": "a job that was to be cancelled is retried", breaks CancelStands in "deaths";
    /// A rescue ends a job that was to be cancelled.
    RescueCancels, "rescue-beats-cancel": "a job that was to be cancelled is rescued", breaks CancelStands in "deaths";
    /// A job that a stop interrupts is handed back.
    StopIsNoCancel, "stop-cancels": "a job that a stop interrupts is cancelled", breaks NobodyElseCancels in "stops";
    /// The write that completes a member releases the next one.
    AtomicRelease, "late-release": "the next member is released by another write", breaks ChainInOrder in "chain";
    /// That write brings the output along.
    Output, "no-output": "the next member does not get the output", breaks ChainInOrder in "chain";
}
