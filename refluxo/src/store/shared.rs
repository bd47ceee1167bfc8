//! A shared store is a store, also one whose type is not known.

use std::{any::Any, sync::Arc, time::Duration};

use futures_util::stream::BoxStream;

use super::{
    Claim, Claimed, Commit, Committed, Created, Delivered, Depth, Entry, Filter, Lease, Listed, Message,
    NewRun, OpenFuture, Page, Query, Record, Renewed, RunId, Stamped, Store, StoreError, StoreFuture, Wake,
};
use crate::{suspend::TransactionType, time::Timestamp};

impl<S: Store + ?Sized> Store for Arc<S> {
    fn create(&self, batch: Vec<NewRun>) -> StoreFuture<'_, Vec<Created>> {
        (**self).create(batch)
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        (**self).claim(claim)
    }

    fn renew(&self, leases: Vec<Lease>, keep: Duration) -> StoreFuture<'_, Vec<Renewed>> {
        (**self).renew(leases, keep)
    }

    fn commit(&self, batch: Vec<Commit>) -> StoreFuture<'_, Vec<Committed>> {
        (**self).commit(batch)
    }

    fn deliver(&self, batch: Vec<Message>) -> StoreFuture<'_, Vec<Delivered>> {
        (**self).deliver(batch)
    }

    fn load<'a>(&'a self, id: &'a RunId, depth: Depth) -> StoreFuture<'a, Option<Record>> {
        (**self).load(id, depth)
    }

    fn history<'a>(&'a self, id: &'a RunId, page: Page) -> StoreFuture<'a, Vec<Entry>> {
        (**self).history(id, page)
    }

    fn list(&self, query: Query) -> StoreFuture<'_, Listed> {
        (**self).list(query)
    }

    fn purge(&self, filter: Filter, limit: u32) -> StoreFuture<'_, u32> {
        (**self).purge(filter, limit)
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        (**self).wakes()
    }

    fn clock(&self) -> Option<Timestamp> {
        (**self).clock()
    }

    fn connection(&self) -> Option<TransactionType> {
        (**self).connection()
    }

    fn create_in_blocking(&self, connection: &dyn Any, run: NewRun) -> Result<Stamped<Created>, StoreError> {
        (**self).create_in_blocking(connection, run)
    }

    fn create_in<'a>(
        &'a self,
        connection: &'a mut (dyn Any + Send),
        run: NewRun,
    ) -> StoreFuture<'a, Created> {
        (**self).create_in(connection, run)
    }

    fn transaction(&self) -> Option<TransactionType> {
        (**self).transaction()
    }

    fn begin(&self) -> OpenFuture<'_> {
        (**self).begin()
    }
}
