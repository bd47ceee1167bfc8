//! Futures that have nothing to wait for.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

/// Polls a future once, which is its whole run here: no step and no plain program is ever pending.
pub(crate) fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
