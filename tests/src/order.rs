//! Who is in the room first.

/// Who is in the room first, and so makes the first offer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// Maru's engine.
    Engine,
    /// Whom it meets.
    Other,
}

/// Both enter the room, the second when the first is in it.
pub async fn in_order<E, O>(
    first: First,
    engine: impl Future<Output = E>,
    other: impl Future<Output = O>,
) -> (E, O) {
    match first {
        First::Engine => {
            let engine = engine.await;
            (engine, other.await)
        }
        First::Other => {
            let other = other.await;
            (engine.await, other)
        }
    }
}
