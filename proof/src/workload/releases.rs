use clap::ValueEnum;
use jobwork::{App, Job, JobContext, JobError, JobOptions, Perform, Upgrades};
use serde::{Deserialize, Serialize};

/// Two programs of one application, as there are while it is being upgraded.
///
/// The old one knows an older form of the arguments of `Charge`, and no `Refund`. These jobs are written out by hand, since two
/// programs' jobs of one name can't both be linked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Release {
    /// Before the upgrade.
    Old,
    /// After it.
    #[default]
    New,
}

impl Release {
    /// The app with the jobs that only this release has, or has in this form.
    pub(super) fn register(self, app: App) -> App {
        match self {
            Self::Old => app.register::<ChargeOfOld>(),
            Self::New => app.register::<Charge>().register::<Refund>(),
        }
    }

    /// Its name on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }
}

/// What the old program knows of `charge`.
#[derive(Serialize, Deserialize)]
pub(super) struct ChargeOfOld {
    pub(super) euros: u64,
}

impl Job for ChargeOfOld {
    type Output = u64;
    type Params = (u64,);
    const NAME: &'static str = Charge::NAME;
    const FIELDS: &'static [&'static str] = &["euros"];
}

impl Perform for ChargeOfOld {
    async fn perform(self, _: JobContext) -> Result<u64, JobError> {
        Ok(self.euros * 100)
    }
}

/// Takes money; returns the cents in both forms.
#[derive(Serialize, Deserialize)]
pub(super) struct Charge {
    pub(super) cents: u64,
}

impl Job for Charge {
    type Output = u64;
    type Params = (u64,);
    const NAME: &'static str = "chaos.charge";
    const FIELDS: &'static [&'static str] = &["cents"];
    const OPTIONS: JobOptions = JobOptions::DEFAULT.version(2);
}

impl Perform for Charge {
    fn upgrade(version: u32, args: &str) -> Result<Self, JobError> {
        let from_old = |old: ChargeOfOld| Self { cents: old.euros * 100 };
        Upgrades::to().from(from_old).read(version, args)
    }

    async fn perform(self, _: JobContext) -> Result<u64, JobError> {
        Ok(self.cents)
    }
}

/// A job that the old program doesn't have.
#[derive(Serialize, Deserialize)]
pub(super) struct Refund {
    pub(super) cents: u64,
}

impl Job for Refund {
    type Output = u64;
    type Params = (u64,);
    const NAME: &'static str = "chaos.refund";
    const FIELDS: &'static [&'static str] = &["cents"];
}

impl Perform for Refund {
    async fn perform(self, _: JobContext) -> Result<u64, JobError> {
        Ok(self.cents)
    }
}
