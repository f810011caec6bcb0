//! Databases that measures begin with a copy of.

use anyhow::Result;

use super::address::Address;
use super::database::Database;
use crate::jobs::Beside;

/// One for each number of jobs that measures begin with. They are gone when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Templates(Vec<(Beside, Database)>);

impl Templates {
    /// Keeps one with these jobs.
    pub(crate) fn keep(&mut self, beside: Beside, database: Database) {
        self.0.push((beside, database));
    }

    /// A new database for a measure that begins with these jobs.
    pub(crate) fn database(&self, server: &Address, beside: Beside) -> Result<Database> {
        let template = self.0.iter().find(|(own, _)| *own == beside).map(|(_, database)| database);
        Database::create(server, template)
    }
}
