//! A transaction of the store behind a codec: the step writes what it likes, the commit is encoded as any other.

use std::{pin::Pin, sync::Arc};

use super::{Codec, Coding, open_owed};
use crate::store::{Commit, Committed, OpenTransaction, Operation, StoreFuture, TransactionWork};

/// A transaction that is open.
pub(super) struct CodedTransaction {
    pub(super) store: Box<dyn OpenTransaction>,
    pub(super) codec: Arc<dyn Codec>,
    pub(super) name: Arc<str>,
}

impl OpenTransaction for CodedTransaction {
    fn run(&mut self, work: TransactionWork) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.store.run(work)
    }

    fn commit(self: Box<Self>, commit: Commit) -> StoreFuture<'static, Committed> {
        let Self { store, codec, name } = *self;
        Box::pin(async move {
            let coding = Coding { codec: &*codec, store: &name, operation: Operation::Commit };
            // If it can't be encoded, the transaction is dropped.
            let mut answer = store.commit(coding.commit(commit)?).await?;
            match &mut answer.value {
                Committed::Done { owed, .. } => open_owed(&*codec, owed),
                Committed::Lost | Committed::Rejected(_) => {}
            }
            Ok(answer)
        })
    }
}
