//! What can't be decoded, on its way through a worker: it says why, and is stored as it was if it is handed back.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::CodecError;
use crate::{snapshot::LoadError, store::RunId};

/// What stands before it. No JSON begins so, and neither does anything that the engine writes.
const MARK: &[u8] = b"\0refluxo sealed\0";

/// Which bytes could not be decoded, and why.
#[derive(Serialize, Deserialize)]
struct Label {
    run: RunId,
    place: String,
    cause: CodecError,
}

/// Seals bytes that could not be decoded.
pub(super) fn seal(run: &RunId, place: String, cause: CodecError, coded: &[u8]) -> Bytes {
    let label = serde_json::to_vec(&Label { run: run.clone(), place, cause }).unwrap_or_default();
    let length = (label.len() as u64).to_be_bytes();
    [MARK, &length, &label, coded].concat().into()
}

/// The bytes as they are stored, if they are sealed.
pub(super) fn unseal(bytes: &Bytes) -> Option<Bytes> {
    let label = label(bytes)?;
    Some(bytes.slice(MARK.len() + LENGTH + label.len()..))
}

/// Refuses what is sealed.
///
/// # Errors
///
/// That it could not be decoded, and why.
pub(crate) fn check(bytes: &[u8]) -> Result<(), LoadError> {
    match label(bytes).map(serde_json::from_slice) {
        None => Ok(()),
        Some(Ok(Label { run, place, cause })) => Err(LoadError::Coded { run, place, cause }),
        Some(Err(error)) => Err(LoadError::envelope(error)),
    }
}

/// How many bytes tell the length of a label.
const LENGTH: usize = size_of::<u64>();

/// The label of what is sealed.
fn label(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.strip_prefix(MARK)?.split_first_chunk::<LENGTH>()?;
    rest.get(..usize::try_from(u64::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_comes_back_as_it_was_and_says_why_it_could_not_be_read() {
        let run = RunId::new("a").unwrap();
        let coded = Bytes::from_static(b"\0\x01\xff");
        let cause = CodecError::UnknownKey { key: "2026".into() };
        let sealed = seal(&run, "the state of the run a".into(), cause, &coded);
        assert_eq!(unseal(&sealed), Some(coded));
        let error = check(&sealed).unwrap_err().to_string();
        assert!(error.contains("the state of the run a") && error.contains("`2026`"), "{error}");
        for plain in [&b"{}"[..], b"", b"\0", MARK] {
            check(plain).unwrap();
            assert_eq!(unseal(&Bytes::from_static(plain)), None);
        }
    }
}
