//! Networks between a sender and a receiver, in virtual time: the same every time.

use std::time::Duration;

#[path = "../../../crates/media/tests/network/mod.rs"]
mod path;

/// One network.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Share of the packets that are lost.
    pub loss: f64,
    /// Mean number of packets lost in a row; 1: each for itself.
    pub burst: f64,
    /// By how much a packet may be late, at most; the order is kept.
    pub jitter: Duration,
}

/// What the table has rows for.
pub fn networks() -> Vec<Network> {
    let millis = Duration::from_millis;
    let lossy = [0.0, 0.05, 0.1, 0.2, 0.3].into_iter().flat_map(|loss| {
        let bursts: &[f64] = if loss > 0.0 { &[1.0, 3.0] } else { &[1.0] };
        bursts.iter().map(move |burst| Network { loss, burst: *burst, jitter: Duration::ZERO })
    });
    let jittery = [20, 50, 100].map(|jitter| Network { loss: 0.0, burst: 1.0, jitter: millis(jitter) });
    let both = [Network { loss: 0.1, burst: 3.0, jitter: millis(50) }];
    lossy.chain(jittery).chain(both).collect()
}

impl Network {
    /// What files about it are called.
    pub fn name(&self) -> String {
        let (loss, jitter) = (self.loss * 100.0, self.jitter.as_millis());
        format!("loss{loss:02.0}-burst{:.0}-jitter{jitter:03}", self.burst)
    }

    /// What the table calls it.
    pub fn title(&self) -> String {
        let loss = match (self.loss, self.burst) {
            (0.0, _) => "no loss".to_owned(),
            (loss, 1.0) => format!("{:.0} % lost", loss * 100.0),
            (loss, burst) => format!("{:.0} % lost, {burst:.0} in a row", loss * 100.0),
        };
        if self.jitter.is_zero() {
            return loss;
        }
        format!("{loss}, jitter up to {} ms", self.jitter.as_millis())
    }

    /// When which of the packets that leave every 20 ms arrive, in this order.
    pub fn arrivals(&self, count: usize) -> Vec<(Duration, usize)> {
        let jitter_ms = self.jitter.as_secs_f64() * 1e3;
        let path = path::Path { loss: self.loss, burst: self.burst, jitter_ms, ..path::Path::default() };
        let arrivals = path.arrivals(count, 20.0).into_iter();
        arrivals.map(|(ms, packet)| (Duration::from_secs_f64(ms / 1e3), packet)).collect()
    }
}
