use serde_json::{Map, Value, json};

use super::Render;
use super::fields::Fields;
use super::layer::Line;

/// `{"time":..,"level":"info","target":..,"message":..,"job":{..},"spans":[..],"fields":{..}}`
pub(super) struct Json;

impl Render for Json {
    fn render(&self, line: &Line<'_>) -> String {
        let mut document = json!({
            "time": line.time,
            "level": line.metadata.level().as_str().to_lowercase(),
            "target": line.metadata.target(),
            "message": line.fields.text("message"),
        });
        if let Some(job) = line.job {
            document["job"] = object(job).into();
        }
        let mut fields = object(line.fields);
        fields.remove("message");
        if !fields.is_empty() {
            document["fields"] = fields.into();
        }
        if !line.spans.is_empty() {
            let span = |(name, fields): &(&str, Fields)| json!({ "name": name, "fields": object(fields) });
            document["spans"] = line.spans.iter().map(span).collect();
        }
        format!("{document}\n")
    }
}

fn object(fields: &Fields) -> Map<String, Value> {
    fields.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
}
