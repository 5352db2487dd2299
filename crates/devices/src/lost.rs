//! Tells the owner of a device, at most once, that the device stopped working.

use std::fmt;
use std::sync::Arc;

use maru_media::DeviceError;
use parking_lot::Mutex;

/// Shared between everybody who may notice the loss; the first one to notice reports it.
pub struct Lost<E = DeviceError> {
    report: Arc<Mutex<Option<OnLost<E>>>>,
}

type OnLost<E> = Box<dyn FnOnce(E) + Send>;

impl<E> Clone for Lost<E> {
    fn clone(&self) -> Self {
        Self { report: Arc::clone(&self.report) }
    }
}

impl<E: fmt::Display> Lost<E> {
    /// Around the owner's callback.
    pub fn new(on_lost: OnLost<E>) -> Self {
        Self { report: Arc::new(Mutex::new(Some(on_lost))) }
    }

    /// Reports the loss, unless somebody did already or the owner has let go of the device.
    pub fn report(&self, error: E) {
        let report = self.report.lock().take();
        if let Some(report) = report {
            tracing::warn!(%error, "device lost");
            report(error);
        }
    }

    /// The owner lets go of the device: nothing to report any more.
    pub fn cancel(&self) {
        let report = self.report.lock().take();
        drop(report);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use maru_media::DeviceKind;

    use super::*;

    fn counted() -> (Lost, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let lost = Lost::new(Box::new(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        (lost, count)
    }

    #[test]
    fn a_loss_that_two_notice_is_reported_once() {
        let (lost, count) = counted();
        lost.report(DeviceError::None(DeviceKind::Camera));
        lost.clone().report(DeviceError::None(DeviceKind::Camera));
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn after_the_owner_let_go_nothing_is_reported() {
        let (lost, count) = counted();
        lost.cancel();
        lost.report(DeviceError::None(DeviceKind::Camera));
        assert_eq!(count.load(Ordering::SeqCst), 0);
    }
}
