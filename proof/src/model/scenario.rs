use super::guard::Guard;

/// The jobs and the processes that are looked at together, and what may happen to them.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it is there for.
    pub about: &'static str,
    /// The jobs, each with the one that it follows in a chain.
    pub jobs: &'static [Option<usize>],
    /// How many processes there are.
    pub processes: u8,
    /// What is settled beforehand.
    pub rules: Rules,
    /// How often things may go wrong.
    pub faults: Faults,
}

/// What is settled beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How often a job is tried again.
    pub retries: u8,
    /// How many deaths make a job dead as a poison pill.
    pub poison_after: u8,
    /// The guard that this twin of the protocol lacks.
    pub without: Option<Guard>,
}

impl Rules {
    /// Whether the protocol has this guard.
    #[must_use]
    pub fn has(&self, guard: Guard) -> bool {
        self.without != Some(guard)
    }
}

/// How often each thing may still happen. What is not counted here may happen at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A process is killed.
    pub crashes: u8,
    /// A process can't reach the store for as long as it takes.
    pub cuts: u8,
    /// An answer of the store is lost, or not waited for.
    pub losses: u8,
    /// A process is told to stop.
    pub stops: u8,
    /// A process gives back what it claimed ahead.
    pub returns: u8,
    /// A job is cancelled by hand.
    pub cancels: u8,
}

const NOTHING: Faults = Faults { crashes: 0, cuts: 0, losses: 0, stops: 0, returns: 0, cancels: 0 };
const RULES: Rules = Rules { retries: 1, poison_after: 3, without: None };

/// What is explored. Each scenario is small enough to be explored whole; between them, they have most faults meet one another.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "deaths",
        about: "two processes and one job, under which they die until it is a poison pill",
        jobs: &[None],
        processes: 2,
        rules: RULES,
        faults: Faults { crashes: 3, cuts: 1, cancels: 1, ..NOTHING },
    },
    Scenario {
        name: "answers",
        about: "two processes and one job, where answers are lost and processes are cut off and die",
        jobs: &[None],
        processes: 2,
        rules: Rules { retries: 0, poison_after: 2, ..RULES },
        faults: Faults { crashes: 1, cuts: 1, losses: 1, returns: 1, ..NOTHING },
    },
    Scenario {
        name: "stops",
        about: "two processes and one job, which is handed back when they are told to stop",
        jobs: &[None],
        processes: 2,
        rules: Rules { retries: 0, ..RULES },
        faults: Faults { crashes: 1, cuts: 1, stops: 1, cancels: 1, ..NOTHING },
    },
    Scenario {
        name: "alone",
        about: "one process and one job, so that nobody else repairs what it leaves behind",
        jobs: &[None],
        processes: 1,
        rules: RULES,
        faults: Faults { crashes: 1, cuts: 1, losses: 1, stops: 1, cancels: 1, returns: 0 },
    },
    Scenario {
        name: "chain",
        about: "two processes and a chain of two jobs, the second of which takes what the first one returns",
        jobs: &[None, Some(0)],
        processes: 2,
        rules: Rules { retries: 0, ..RULES },
        faults: Faults { crashes: 1, cuts: 1, cancels: 1, ..NOTHING },
    },
    Scenario {
        name: "unheard chain",
        about: "the same chain, where answers are lost and processes die",
        jobs: &[None, Some(0)],
        processes: 2,
        rules: Rules { retries: 0, ..RULES },
        faults: Faults { crashes: 1, losses: 1, cancels: 1, ..NOTHING },
    },
    Scenario {
        name: "two jobs",
        about: "two processes and two jobs that have nothing to do with each other",
        jobs: &[None, None],
        processes: 2,
        rules: Rules { retries: 0, ..RULES },
        faults: Faults { crashes: 1, cuts: 1, ..NOTHING },
    },
];
