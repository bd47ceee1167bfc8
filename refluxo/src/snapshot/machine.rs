//! A machine on its own, outside of an envelope.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use serde_json::value::RawValue;

use super::{StateReader, StateWriter};
use crate::machine::Machine;

/// `{"at": …, "state": {…}}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Alone<'a> {
    at: Cow<'a, str>,
    state: Box<RawValue>,
}

/// Serializes a machine as `{"at": …, "state": {…}}`: what the `Serialize` of a workflow's enum does.
///
/// # Errors
///
/// If a field can't be saved.
pub fn serialize_machine<M: Machine, S: Serializer>(machine: &M, serializer: S) -> Result<S::Ok, S::Error> {
    let at = machine.at();
    let mut writer = StateWriter::whole(at);
    machine.encode(&mut writer);
    let encoded = writer.finish().map_err(S::Error::custom)?;
    let state = serde_json::from_slice(&encoded.document).map_err(S::Error::custom)?;
    Alone { at: Cow::Borrowed(at), state }.serialize(serializer)
}

/// Reads what [`serialize_machine`] wrote: what the `Deserialize` of a workflow's enum does.
///
/// # Errors
///
/// If the state is not one of `M`.
pub fn deserialize_machine<'de, M: Machine, D: Deserializer<'de>>(deserializer: D) -> Result<M, D::Error> {
    let Alone { at, state } = Alone::deserialize(deserializer)?;
    let reader = StateReader::new(&at, state.get().as_bytes(), []).map_err(D::Error::custom)?;
    M::decode(&at, reader).map_err(D::Error::custom)
}
