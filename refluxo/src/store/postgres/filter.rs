//! A [`Filter`] as conditions of SQL.

use sqlx::{Postgres, QueryBuilder};

use crate::store::{AttrValue, Filter};

/// Adds the conditions on a row of `run`, each with an `AND` before it.
pub(super) fn push(sql: &mut QueryBuilder<Postgres>, schema: &str, filter: &Filter) {
    if !filter.queues.is_empty() {
        sql.push(" AND queue = ANY (").push_bind(filter.queues.clone()).push(")");
    }
    if !filter.statuses.is_empty() {
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.as_str()).collect();
        sql.push(" AND status = ANY (").push_bind(statuses).push(")");
    }
    if let Some(at) = &filter.at {
        sql.push(" AND at = ").push_bind(at.clone());
    }
    if let Some(parent) = &filter.parent {
        sql.push(" AND parent = ").push_bind(parent.as_str().to_owned());
    }
    for (condition, time) in [
        (" AND created_at >= ", filter.created_from),
        (" AND created_at < ", filter.created_before),
        (" AND updated_at >= ", filter.updated_from),
        (" AND updated_at < ", filter.updated_before),
        (" AND ended_at >= ", filter.ended_from),
        (" AND ended_at < ", filter.ended_before),
    ] {
        if let Some(time) = time {
            sql.push(condition).push_bind(time.as_micros());
        }
    }
    for (name, value) in &filter.attributes {
        sql.push(format!(" AND key IN (SELECT run FROM {schema}.attribute WHERE name = "));
        sql.push_bind(name.clone());
        match value {
            AttrValue::Text(text) => {
                // The index has no more than the beginning.
                sql.push(" AND left(text, 100) = left(").push_bind(text.clone());
                sql.push(", 100) AND text = ").push_bind(text.clone());
            }
            AttrValue::Integer(number) => {
                sql.push(" AND number = ").push_bind(*number);
            }
        }
        sql.push(")");
    }
}
