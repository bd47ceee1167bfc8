//! A [`Filter`] as a condition of SQL.

use rusqlite::types::Value;

use crate::store::{AttrValue, Filter};

/// Conditions on a row of `run` that must all hold, with their values.
pub(super) struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// The conditions of a filter.
    pub(super) fn of(filter: &Filter) -> Self {
        let mut all = Self { sql: "true".into(), values: Vec::new() };
        if !filter.queues.is_empty() {
            let queues = filter.queues.iter().cloned().map(Value::Text);
            all.and(&format!("queue IN ({})", places(filter.queues.len())), queues);
        }
        if !filter.statuses.is_empty() {
            let statuses = filter.statuses.iter().map(|status| Value::Text(status.as_str().into()));
            all.and(&format!("status IN ({})", places(filter.statuses.len())), statuses);
        }
        if let Some(at) = &filter.at {
            all.and("at = ?", [at.clone().into()]);
        }
        if let Some(parent) = &filter.parent {
            all.and("parent = ?", [parent.as_str().to_owned().into()]);
        }
        for (condition, time) in [
            ("created_at >= ?", filter.created_from),
            ("created_at < ?", filter.created_before),
            ("updated_at >= ?", filter.updated_from),
            ("updated_at < ?", filter.updated_before),
            ("ended_at >= ?", filter.ended_from),
            ("ended_at < ?", filter.ended_before),
        ] {
            if let Some(time) = time {
                all.and(condition, [time.as_micros().into()]);
            }
        }
        for (name, value) in &filter.attributes {
            let value = match value {
                AttrValue::Text(text) => Value::Text(text.clone()),
                AttrValue::Integer(number) => Value::Integer(*number),
            };
            all.and(
                "key IN (SELECT run FROM attribute WHERE name = ? AND value = ?)",
                [name.clone().into(), value],
            );
        }
        all
    }

    /// Adds a condition with its values in the order of its places.
    pub(super) fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.extend(values);
    }

    pub(super) fn into_sql(self) -> (String, Vec<Value>) {
        (self.sql, self.values)
    }
}

/// `?, ?, ?`
fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}
