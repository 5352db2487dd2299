//! Lends a value to a callback that a library owns, and gets it back when the library drops the
//! callback: so that a stream can be made anew with the same ring.

use std::sync::Arc;

use parking_lot::Mutex;

/// Where the value is when nobody has it.
pub struct Keeper<T> {
    home: Arc<Mutex<Option<T>>>,
}

/// The lent value; goes home when dropped.
pub struct Lease<T> {
    value: Option<T>,
    home: Arc<Mutex<Option<T>>>,
}

impl<T> Keeper<T> {
    /// Keeps a value.
    pub fn new(value: T) -> Self {
        Self { home: Arc::new(Mutex::new(Some(value))) }
    }

    /// Lends the value; `None` while somebody has it.
    pub fn lend(&self) -> Option<Lease<T>> {
        let value = self.home.lock().take()?;
        Some(Lease { value: Some(value), home: Arc::clone(&self.home) })
    }
}

impl<T> Lease<T> {
    /// The value. It is there as long as the lease lives.
    pub fn get(&mut self) -> Option<&mut T> {
        self.value.as_mut()
    }
}

impl<T> Drop for Lease<T> {
    fn drop(&mut self) {
        *self.home.lock() = self.value.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_lent_to_one_at_a_time_and_comes_back() {
        let keeper = Keeper::new(5);
        let mut lease = keeper.lend().unwrap();
        assert!(keeper.lend().is_none());
        *lease.get().unwrap() += 1;
        drop(lease);
        assert_eq!(keeper.lend().unwrap().get(), Some(&mut 6));
    }
}
