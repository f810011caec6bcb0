/// The parts of the URL of a database, `postgres://user:password@host/database?settings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    server: &'a str,
    database: &'a str,
    settings: &'a str,
}

/// Settings of a store's URL that are not Postgres's own.
const OURS: [&str; 3] = ["schema", "connections", "pooler"];

impl<'a> Address<'a> {
    pub(super) fn of(url: &'a str) -> Self {
        let (place, settings) = url.split_once('?').unwrap_or((url, ""));
        let host = place.find("://").map_or(0, |scheme| scheme + 3);
        let end = place[host..].find('/').map_or(place.len(), |slash| host + slash);
        Self { server: &place[..end], database: place[end..].trim_start_matches('/'), settings }
    }

    /// The URL of another database of the server.
    pub(super) fn with_database(self, database: &str) -> String {
        Address { database, ..self }.url(self.settings)
    }

    /// The URL with this schema.
    pub(super) fn with_schema(self, schema: &str) -> String {
        let others = self.settings_but(&["schema"]).map(|setting| format!("{setting}&")).collect::<String>();
        self.url(&format!("{others}schema={schema}"))
    }

    /// The URL without the settings of a store.
    pub(super) fn plain(self) -> String {
        self.url(&self.settings_but(&OURS).collect::<Vec<_>>().join("&"))
    }

    /// The schema that it names.
    pub(super) fn schema(self) -> Option<&'a str> {
        self.settings.split('&').find_map(|setting| setting.strip_prefix("schema="))
    }

    fn settings_but(self, names: &[&str]) -> impl Iterator<Item = &'a str> {
        let kept = |setting: &&str| {
            let name = setting.split_once('=').map_or(*setting, |(name, _)| name);
            !name.is_empty() && !names.contains(&name)
        };
        self.settings.split('&').filter(kept)
    }

    fn url(self, settings: &str) -> String {
        let mark = if settings.is_empty() { "" } else { "?" };
        format!("{}/{}{mark}{settings}", self.server, self.database)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_url_keeps_its_other_parts() {
        let url = "postgres://ann:secret@127.0.0.1:5432/jobs?sslmode=disable&schema=a&connections=2";
        let address = Address::of(url);
        assert_eq!(address.schema(), Some("a"));
        assert_eq!(address.plain(), "postgres://ann:secret@127.0.0.1:5432/jobs?sslmode=disable");
        assert_eq!(
            address.with_schema("b"),
            "postgres://ann:secret@127.0.0.1:5432/jobs?sslmode=disable&connections=2&schema=b"
        );
        assert_eq!(Address::of("postgres://%2Ftmp").with_database("b"), "postgres://%2Ftmp/b");
    }
}
