//! What is looked at when somebody asks, so that it costs nothing otherwise: what is there now, and what
//! others count for themselves.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use tokio_util::task::TaskTracker;

use crate::hub::Hub;
use crate::relay::RelayCounters;

/// Rooms, people, connections, and the other servers.
#[derive(Debug)]
pub(super) struct Present {
    pub(super) hub: Arc<Hub>,
    pub(super) sockets: TaskTracker,
}

impl Collector for Present {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (rooms, participants) = self.hub.counts();
        for (name, help, number) in [
            ("rooms", "Rooms with somebody in them", rooms),
            ("participants", "Participants, those included whose place is kept", participants),
            ("connections", "Open connections, of every kind", self.sockets.len()),
        ] {
            gauge(&mut encoder, name, help, number as u64)?;
        }
        let Some((up, counts)) = self.hub.bus_report() else { return Ok(()) };
        gauge(&mut encoder, "bus_up", "Whether Redis is within reach", u64::from(up))?;
        gauge(&mut encoder, "bus_nodes", "Servers that share rooms, this one included", counts.nodes as u64)?;
        let help = "Messages between servers that made no sense";
        counter(&mut encoder, "bus_garbled", help, counts.garbled)?;
        let help = "Signals between servers that found no room in a queue";
        counter(&mut encoder, "bus_dropped", help, counts.dropped)
    }
}

/// What the relay does.
#[derive(Debug)]
pub(super) struct Relayed(pub(super) Arc<RelayCounters>);

impl Collector for Relayed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let relay = &*self.0;
        gauge(&mut encoder, "relay_allocations", "Allocations there are", relay.allocations.get())?;
        let help = "TCP, TLS and WebSocket connections to the relay";
        gauge(&mut encoder, "relay_streams", help, relay.streams.get())?;
        for (name, help, count) in [
            ("relay_allocations_made", "Allocations there ever were", &relay.allocations_made),
            ("relay_bindings", "Answers to STUN Binding requests", &relay.bindings),
            ("relay_malformed", "What was neither STUN nor channel data", &relay.malformed),
            ("relay_unanswered", "Requests over the limit of an address", &relay.unanswered),
        ] {
            counter(&mut encoder, name, help, count.get())?;
        }
        for (name, help, label, counts) in [
            (
                "relay_packets",
                "Packets passed on, from clients (out) and to clients (in)",
                "direction",
                &[("out", relay.packets_out.get()), ("in", relay.packets_in.get())][..],
            ),
            (
                "relay_bytes",
                "The data in these packets",
                "direction",
                &[("out", relay.bytes_out.get()), ("in", relay.bytes_in.get())],
            ),
            (
                "relay_dropped",
                "Packets dropped, by the reason",
                "reason",
                &[
                    ("full", relay.dropped_full.get()),
                    ("bandwidth", relay.dropped_bandwidth.get()),
                    ("not_permitted", relay.dropped_not_permitted.get()),
                    ("forbidden", relay.dropped_forbidden.get()),
                ],
            ),
            ("relay_refused", "Requests refused, by the reason", "reason", &relay.refused.all()),
        ] {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (value, count) in counts {
                let labels = [(label, *value)];
                ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, number: u64) -> fmt::Result {
    let gauge = ConstGauge::new(i64::try_from(number).unwrap_or(i64::MAX));
    let place: MetricEncoder<'_> = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
    gauge.encode(place)
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, number: u64) -> fmt::Result {
    let counter = ConstCounter::new(number);
    let place: MetricEncoder<'_> = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
    counter.encode(place)
}
