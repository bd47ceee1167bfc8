//! Names that follow from a call: its idempotency key, and the ids of the child that it starts.

use crate::store::{Revision, RunId, Uid};

/// What a call's names are made of: another call never has the same.
#[derive(Clone, Copy)]
pub(crate) struct CallPlace<'a> {
    pub(crate) uid: Uid,
    /// The revision at which the run came to the call.
    pub(crate) entered: Revision,
    /// The branch of a join that makes the call.
    pub(crate) branch: &'a str,
}

impl CallPlace<'_> {
    /// The idempotency key: 128 bits in hexadecimal digits.
    ///
    /// It is made from the random uid of this life of the run's id, so a run that is purged and started again has new ones.
    pub(crate) fn key(self) -> String {
        self.hash(b"refluxo call 1").to_hex()[..32].to_owned()
    }

    /// The uid of the child that an attempt of the call starts: the same when the same commit is made again.
    pub(crate) fn child_uid(self, attempt: u32) -> Uid {
        let hash = self.attempted(b"refluxo child 1", attempt);
        let bits = hash.as_bytes().iter().take(16).fold(0, |bits: u128, byte| bits << 8 | u128::from(*byte));
        Uid::from_u128(bits)
    }

    /// The id of the child that an attempt of the call starts.
    ///
    /// It begins with the parent's id, so that a list sorted by id keeps families together, and ends with digits of the key, so that no
    /// id of a user's and none of another life of the parent is met.
    pub(crate) fn child_id(self, parent: &RunId, workflow: &str, attempt: u32) -> RunId {
        let key = self.attempted(b"refluxo call 1", attempt).to_hex();
        RunId::new(format!("{parent}/{workflow}-{}", &key[..8]))
            .or_else(|_| RunId::new(format!("child-{}", &key[..32])))
            .unwrap_or_else(|_| parent.clone())
    }

    /// As `hash`, for an attempt of the call. The first one adds nothing.
    fn attempted(self, purpose: &[u8], attempt: u32) -> blake3::Hash {
        let hash = self.hash(purpose);
        if attempt == 1 {
            return hash;
        }
        blake3::Hasher::new().update(hash.as_bytes()).update(&attempt.to_be_bytes()).finalize()
    }

    /// 256 bits that follow from the place and from what they are for.
    fn hash(self, purpose: &[u8]) -> blake3::Hash {
        let (uid, entered) = (self.uid.as_u128().to_be_bytes(), self.entered.0.to_be_bytes());
        blake3::hash(&[purpose, &uid, &entered, self.branch.as_bytes()].concat())
    }
}
