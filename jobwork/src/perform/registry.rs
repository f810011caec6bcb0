use std::any::TypeId;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::middleware::Chain;
use super::{ErrorHandler, Handling, JobContext, JobResult, Kind, Middleware, Output, Perform, States};
use crate::client::current;
use crate::error::{Error, Result};
use crate::job::{FailureKind, Flow, Job, JobError, JobOptions};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One job that this program can perform, its type erased.
#[derive(Clone, Copy)]
pub struct JobEntry {
    name: &'static str,
    aliases: &'static [&'static str],
    fields: &'static [&'static str],
    options: JobOptions,
    kind: Kind,
    file: &'static str,
    line: u32,
    handling: fn() -> Handling,
    missing: fn(&States) -> Vec<&'static str>,
    perform: fn(JobContext) -> BoxFuture<JobResult>,
    flow: fn(&str) -> serde_json::Result<Flow>,
    type_id: fn() -> TypeId,
}

impl JobEntry {
    /// The entry of `J`, whose function stands at `file` and `line`.
    #[must_use]
    pub const fn of<J: Perform>(file: &'static str, line: u32) -> Self {
        Self {
            name: J::NAME,
            aliases: J::ALIASES,
            fields: J::FIELDS,
            options: J::OPTIONS,
            kind: J::KIND,
            file,
            line,
            handling: J::handling,
            missing: J::missing,
            perform: perform::<J>,
            flow: flow::<J>,
            type_id: TypeId::of::<J>,
        }
    }

    /// The stored name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Older names that are served too.
    #[must_use]
    pub const fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// The stored keys of its parameters, in order.
    #[must_use]
    pub const fn fields(&self) -> &'static [&'static str] {
        self.fields
    }

    /// Where and how it is dispatched when the call doesn't say otherwise.
    #[must_use]
    pub const fn options(&self) -> JobOptions {
        self.options
    }

    /// Where it runs.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The source file and line of its function.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// Whether these JSON arguments fit its parameters.
    ///
    /// # Errors
    /// What doesn't fit, and where.
    pub fn check_args(&self, args: &str) -> serde_json::Result<()> {
        self.flow(args).map(drop)
    }

    /// What a job with these JSON arguments shares with others.
    ///
    /// # Errors
    /// Which of the arguments don't fit its parameters, or why no key can be made of them.
    pub fn flow(&self, args: &str) -> serde_json::Result<Flow> {
        (self.flow)(args)
    }
}

impl fmt::Debug for JobEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobEntry({} at {})", self.name, self.place())
    }
}

/// Decodes, performs and encodes: the whole of a job between its outermost and innermost JSON.
fn perform<J: Perform>(job: JobContext) -> BoxFuture<JobResult> {
    Box::pin(async move {
        job.job().encrypted.store(J::OPTIONS.encrypted, Ordering::Relaxed);
        let arguments = arguments::<J>(&job)?;
        let output = arguments.perform(job).await?;
        let json = serde_json::to_string(&output).map_err(|error| {
            JobError::dead(format!("the output of `{}` can't be written as JSON: {error}", J::NAME))
        })?;
        Ok(Output::new(if J::OPTIONS.encrypted { sealed::<J>(&json)? } else { json }))
    })
}

/// The arguments, decrypted where they are encrypted.
fn arguments<J: Perform>(job: &JobContext) -> Result<J, JobError> {
    let undecodable = |message: String| JobError::of_kind(FailureKind::Undecodable, message, None);
    // A worker runs each job with its client as the current one; without any, what is encrypted stays so, and fits nothing.
    let opened = current::get().map(|jobs| jobs.open_args(job.name(), job.args())).transpose();
    let opened = opened.map_err(|error| undecodable(error.to_string()))?;
    match opened {
        Some(Cow::Owned(secret)) => decode(job.version(), &secret).map_err(|_| {
            let told = "it is not told how, since that could tell what they are";
            undecodable(format!("the arguments don't fit `{}` once they are decrypted; {told}", J::NAME))
        }),
        _ => decode(job.version(), job.args()),
    }
}

fn sealed<J: Job>(output: &str) -> Result<String, JobError> {
    let jobs = current::get().ok_or_else(|| JobError::new("no client to encrypt the output with"))?;
    jobs.seal_output(J::NAME, output).map_err(|error| JobError::from_boxed(error.into()))
}

/// The arguments, upgraded where an older version of the job stored them.
pub(crate) fn decode<J: Perform>(version: u32, args: &str) -> Result<J, JobError> {
    if version < J::OPTIONS.version {
        return J::upgrade(version, args);
    }
    serde_json::from_str(args).map_err(|error| {
        let message = format!("the stored arguments don't fit `{}`: {error}", J::NAME);
        JobError::of_kind(FailureKind::Undecodable, message, None)
    })
}

fn flow<J: Job>(args: &str) -> serde_json::Result<Flow> {
    serde_json::from_str::<J>(args)?.flow()
}

/// One error handler that chains refer to by name.
#[derive(Clone, Copy)]
pub struct ChainEntry {
    name: &'static str,
    file: &'static str,
    line: u32,
    on_error: fn() -> Arc<dyn ErrorHandler>,
}

impl ChainEntry {
    /// The error handler of the chain `name`, which stands at `file` and `line`.
    #[must_use]
    pub const fn new(
        name: &'static str,
        file: &'static str,
        line: u32,
        on_error: fn() -> Arc<dyn ErrorHandler>,
    ) -> Self {
        Self { name, file, line, on_error }
    }
}

impl fmt::Debug for ChainEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainEntry({} at {}:{})", self.name, self.file, self.line)
    }
}

#[cfg(feature = "inventory")]
inventory::collect!(JobEntry);
#[cfg(feature = "inventory")]
inventory::collect!(ChainEntry);

/// A job with everything that surrounds it, ready to perform.
pub(crate) struct Handler {
    pub(crate) entry: JobEntry,
    pub(crate) handling: Handling,
    pub(crate) chain: Arc<Chain>,
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.entry, f)
    }
}

/// The jobs that this program can perform.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    jobs: BTreeMap<&'static str, JobEntry>,
    chains: BTreeMap<String, Named>,
}

/// An error handler that chains refer to by name, and the place it comes from.
#[derive(Clone, Debug)]
struct Named {
    place: String,
    handler: Arc<dyn ErrorHandler>,
}

impl Registry {
    /// The jobs of every linked crate; none without the `inventory` feature.
    ///
    /// # Errors
    /// [`Error::Config`] when two jobs or two chains share a name, naming both places.
    pub fn linked() -> Result<Self> {
        #[cfg_attr(not(feature = "inventory"), expect(unused_mut, reason = "nothing is collected without inventory"))]
        let mut registry = Self::default();
        #[cfg(feature = "inventory")]
        {
            inventory::iter::<JobEntry>().try_for_each(|entry| registry.add(*entry))?;
            inventory::iter::<ChainEntry>().try_for_each(|entry| registry.add_chain(entry))?;
        }
        Ok(registry)
    }

    /// Adds a job under its name and its aliases; adding the same job again changes nothing.
    ///
    /// # Errors
    /// [`Error::Config`] when another job has one of the names.
    pub fn add(&mut self, entry: JobEntry) -> Result<()> {
        for name in std::iter::once(&entry.name).chain(entry.aliases) {
            let taken = self.jobs.insert(name, entry);
            if let Some(taken) = taken.filter(|taken| taken.place() != entry.place()) {
                return Err(duplicate("jobs", name, &taken.place(), &entry.place()));
            }
        }
        Ok(())
    }

    #[cfg_attr(not(feature = "inventory"), expect(dead_code, reason = "only inventory brings chain entries"))]
    fn add_chain(&mut self, entry: &ChainEntry) -> Result<()> {
        let place = format!("{}:{}", entry.file, entry.line);
        self.add_named(entry.name, place, (entry.on_error)())
    }

    fn add_named(&mut self, name: &str, place: String, handler: Arc<dyn ErrorHandler>) -> Result<()> {
        let taken = self.chains.insert(name.to_owned(), Named { place: place.clone(), handler });
        match taken.filter(|taken| taken.place != place) {
            Some(taken) => Err(duplicate("chain error handlers", name, &taken.place, &place)),
            None => Ok(()),
        }
    }

    /// Adds a job that a program names itself; one that is linked already stays as it is.
    pub(crate) fn add_by_hand(&mut self, entry: JobEntry) -> Result<()> {
        let known = self.jobs.get(entry.name).is_some_and(|known| (known.type_id)() == (entry.type_id)());
        if known { Ok(()) } else { self.add(entry) }
    }

    /// Adds an error handler that chains refer to by `name`.
    pub(crate) fn add_chain_handler(&mut self, name: &str, handler: Arc<dyn ErrorHandler>) -> Result<()> {
        self.add_named(name, "the app".to_owned(), handler)
    }

    /// The jobs, by name, each once.
    pub fn jobs(&self) -> impl Iterator<Item = &JobEntry> {
        self.jobs.iter().filter(|(name, entry)| **name == entry.name).map(|(_, entry)| entry)
    }

    /// The job of this name, or whose alias it is.
    #[must_use]
    pub fn job(&self, name: &str) -> Option<&JobEntry> {
        self.jobs.get(name)
    }

    /// Every name under which a job may be stored.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.jobs.keys().copied()
    }

    /// Whether there is nothing to perform.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// The error handler that chains refer to by this name.
    #[must_use]
    pub(crate) fn chain_handler(&self, name: &str) -> Option<Arc<dyn ErrorHandler>> {
        self.chains.get(name).map(|named| Arc::clone(&named.handler))
    }

    /// The handlers by stored name, with the app's middleware round every job's own.
    ///
    /// # Errors
    /// [`Error::Config`] when there is no job at all, or when one needs a state the app was not given; all such are named.
    pub(crate) fn handlers(
        &self,
        outer: &[Arc<dyn Middleware>],
        states: &States,
    ) -> Result<BTreeMap<&'static str, Arc<Handler>>> {
        if self.is_empty() {
            return Err(Error::Config(EMPTY.to_owned()));
        }
        let missing: Vec<String> = self.jobs().flat_map(|entry| missing(entry, states)).collect();
        if !missing.is_empty() {
            return Err(Error::Config(missing.join("\n")));
        }
        let handler = |entry: &JobEntry| {
            let handling = (entry.handling)();
            let layers = outer.iter().chain(&handling.middleware).cloned().collect();
            Arc::new(Handler { entry: *entry, chain: Arc::new(Chain::new(layers, entry.perform)), handling })
        };
        Ok(self.jobs.iter().map(|(name, entry)| (*name, handler(entry))).collect())
    }
}

const EMPTY: &str = "this program has no jobs to perform. Jobs are found in the crates that are linked, and a crate \
    that nothing names is not linked: if yours are in a library, name it in the binary with `use my_jobs as _;`, or \
    give them to the app with `App::register::<MyJob>()`";

fn missing(entry: &JobEntry, states: &States) -> Vec<String> {
    let explain = |name: &str| {
        format!(
            "job `{}` ({}) needs a state of type `{name}`, which the app was not given: add `.state(..)` with one",
            entry.name,
            entry.place()
        )
    };
    (entry.missing)(states).into_iter().map(explain).collect()
}

fn duplicate(what: &str, name: &str, one: &str, other: &str) -> Error {
    let mut places = [one, other];
    places.sort_unstable(); // the linker's order differs from build to build; the message should not
    Error::Config(format!("two {what} are named `{name}`: one at {}, one at {}", places[0], places[1]))
}
