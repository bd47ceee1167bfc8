//! Why a run can't go on, in the words of what was found.

use serde_json::value::RawValue;

use crate::{
    snapshot::{LoadError, ParkReason, Path, SaveError},
    store::sealed,
};

/// The body of a message as JSON.
pub(crate) fn raw(body: &[u8]) -> Result<&RawValue, ParkReason> {
    sealed::check(body).map_err(|error| unreadable(&error))?;
    serde_json::from_slice(body).map_err(not_json)
}

/// A body that is not what it should be.
pub(crate) fn not_json(cause: serde_json::Error) -> ParkReason {
    unreadable(&LoadError::envelope(cause))
}

/// Something stored that today's code can't read.
pub(crate) fn unreadable(error: &LoadError) -> ParkReason {
    ParkReason::Unreadable { message: error.to_string() }
}

/// A branch whose output can't be stored.
pub(crate) fn unsaved(path: &Path, cause: serde_json::Error) -> ParkReason {
    ParkReason::Unsaved { message: SaveError::Branch { branch: path.to_string(), cause }.to_string() }
}

/// A call of another kind than the envelope says.
pub(crate) fn contradiction(path: &Path) -> ParkReason {
    let message = if *path == Path::ROOT {
        "the state's call is of another kind than the run's envelope says".to_owned()
    } else {
        format!("the call of the branch {path} is of another kind than the run's envelope says")
    };
    ParkReason::Unreadable { message }
}
