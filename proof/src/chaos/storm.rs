use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rustix::process::Signal;

use super::agenda::{Agenda, Later};
use super::crew::{Crew, LEASE, Role};
use super::database::Database;
use super::fault::Fault;
use super::process::Process;
use super::server::terminate_backends;
use crate::history::{Event, History};

/// How often each fault was there.
pub(super) type Faults = BTreeMap<Fault, usize>;

/// Disturbs a crew and its database.
#[derive(Debug)]
pub(super) struct Storm {
    crew: Crew,
    database: Database,
    history: History,
    rng: Rng,
    agenda: Agenda,
    faults: Faults,
}

impl Storm {
    pub(super) fn new(crew: Crew, database: Database, history: History, seed: u64) -> Self {
        let (rng, agenda, faults) = (Rng::with_seed(seed), Agenda::default(), Faults::new());
        Self { crew, database, history, rng, agenda, faults }
    }

    /// Rages for so long.
    pub(super) async fn rage(&mut self, time: Duration) -> anyhow::Result<()> {
        let feared = Fault::feared(&self.database);
        let end = Instant::now() + time;
        let mut next = self.pause();
        while Instant::now() < end {
            self.crew.tend()?;
            for later in self.agenda.due() {
                self.act(later)?;
            }
            if Instant::now() >= next {
                let fault = Fault::draw(&feared, &mut self.rng);
                self.disturb(fault).await?;
                next = self.pause();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Sets everything right that is wrong.
    pub(super) fn end(mut self) -> anyhow::Result<(Crew, Database, Faults)> {
        for later in self.agenda.all() {
            self.act(later)?;
        }
        self.note("peace".to_owned());
        self.crew.make_peace();
        Ok((self.crew, self.database, self.faults))
    }

    fn pause(&mut self) -> Instant {
        Instant::now() + self.millis(50, 1500)
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.rng.u64(from..to))
    }

    fn note(&self, what: String) {
        self.history.add(Event::Fault { what });
    }

    async fn disturb(&mut self, fault: Fault) -> anyhow::Result<()> {
        let done = match fault {
            Fault::Kill => self.kill_one(Role::Worker),
            Fault::KillDispatcher => self.kill_one(Role::Dispatcher),
            Fault::KillAll => self.kill_all(Role::Worker),
            Fault::Terminate => self.terminate(),
            Fault::Stop => self.stop(Role::Worker, LEASE),
            Fault::Quiet => self.quiet(),
            Fault::StopDispatcher => self.stop(Role::Dispatcher, Duration::ZERO),
            Fault::Restart | Fault::Outage | Fault::Backends => self.disturb_server(fault).await?,
            Fault::FullDisk | Fault::ReadOnlyFile | Fault::ReadOnly => self.disturb_disk(fault)?,
        };
        *self.faults.entry(fault).or_default() += usize::from(done);
        Ok(())
    }

    /// The number of a process of this role.
    fn someone(&mut self, role: Role) -> Option<u32> {
        let numbers: Vec<u32> = self.crew.of(role).iter().map(|process| process.number()).collect();
        self.rng.choice(numbers)
    }

    fn kill_one(&mut self, role: Role) -> bool {
        let Some(number) = self.someone(role) else { return false };
        self.kill(role, number);
        true
    }

    fn kill_all(&mut self, role: Role) -> bool {
        let numbers: Vec<u32> = self.crew.of(role).iter().map(|process| process.number()).collect();
        numbers.iter().for_each(|number| self.kill(role, *number));
        !numbers.is_empty()
    }

    fn kill(&mut self, role: Role, number: u32) {
        self.note(format!("SIGKILL of {} {number}", role.word()));
        self.crew.number(number).into_iter().for_each(|process| process.signal(Signal::KILL));
    }

    /// Once, twice, or three times.
    fn terminate(&mut self) -> bool {
        let Some(number) = self.someone(Role::Worker) else { return false };
        let times = self.rng.u32(1..=3);
        self.note(format!("SIGTERM of worker {number}, {times} times"));
        let mut wait = Duration::ZERO;
        for _ in 0..times {
            self.agenda.add(wait, Later::Signal(number, Signal::TERM));
            wait += self.millis(1, 400);
        }
        true
    }

    /// For longer than `least`.
    fn stop(&mut self, role: Role, least: Duration) -> bool {
        let Some(number) = self.someone(role) else { return false };
        let time = least + self.millis(300, 3000);
        self.note(format!("SIGSTOP of {} {number} for {} ms", role.word(), time.as_millis()));
        self.crew.number(number).into_iter().for_each(|process| process.signal(Signal::STOP));
        self.agenda.add(time, Later::Signal(number, Signal::CONT));
        true
    }

    fn quiet(&mut self) -> bool {
        let Some(number) = self.someone(Role::Worker) else { return false };
        let time = self.millis(100, 2000);
        self.note(format!("SIGTSTP of worker {number} for {} ms", time.as_millis()));
        self.crew.number(number).into_iter().for_each(|process| process.signal(Signal::TSTP));
        self.agenda.add(time, Later::Signal(number, Signal::CONT));
        true
    }

    async fn disturb_server(&mut self, fault: Fault) -> anyhow::Result<bool> {
        let time = self.millis(200, 4000);
        if self.agenda.has(Later::StartServer) {
            return Ok(false);
        }
        match (fault, &mut self.database) {
            (Fault::Backends, database) => {
                let url = database.url();
                self.note("all sessions end".to_owned());
                terminate_backends(&url).await?;
            }
            (Fault::Restart, Database::Server(server)) => {
                self.history.add(Event::Fault { what: "the server crashes".to_owned() });
                server.obey("restart")?;
            }
            (Fault::Outage, Database::Server(server)) => {
                self.history.add(Event::Fault { what: format!("the server is gone for {} ms", time.as_millis()) });
                server.obey("stop")?;
                self.agenda.add(time, Later::StartServer);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn disturb_disk(&mut self, fault: Fault) -> anyhow::Result<bool> {
        let time = self.millis(300, 3000);
        let ends = [Later::EmptyDisk, Later::WritableDisk, Later::WritableFile];
        if ends.into_iter().any(|end| self.agenda.has(end)) {
            return Ok(false);
        }
        if fault == Fault::ReadOnly {
            // No disk becomes read-only while somebody has a file open for writing.
            for role in [Role::Worker, Role::Dispatcher] {
                self.kill_all(role);
                self.crew.of(role).into_iter().for_each(Process::kill);
            }
        }
        let Database::File(disk) = &self.database else { return Ok(false) };
        let (what, later) = match fault {
            Fault::ReadOnly => ("the disk is read-only", disk.set_read_only(true).map(|()| Later::WritableDisk)),
            Fault::ReadOnlyFile => {
                ("the file is read-only", disk.set_file_read_only(true).map(|()| Later::WritableFile))
            }
            _ => ("the disk is full", disk.fill().map(|()| Later::EmptyDisk)),
        };
        self.note(format!("{what} for {} ms", time.as_millis()));
        self.agenda.add(time, later?);
        Ok(true)
    }

    fn act(&mut self, later: Later) -> anyhow::Result<()> {
        let done = match (later, &mut self.database) {
            (Later::Signal(number, signal), _) => {
                self.crew.number(number).into_iter().for_each(|process| process.signal(signal));
                return Ok(());
            }
            (Later::StartServer, Database::Server(server)) => server.obey("start"),
            (Later::EmptyDisk, Database::File(disk)) => disk.empty(),
            (Later::WritableDisk, Database::File(disk)) => disk.set_read_only(false),
            (Later::WritableFile, Database::File(disk)) => disk.set_file_read_only(false),
            _ => Ok(()),
        };
        self.note("and it is well again".to_owned());
        done
    }
}
