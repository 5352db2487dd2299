//! A UDP socket that asks its system for nothing but to send and to receive: for systems where what the webrtc
//! crate asks for beside that (several datagrams at once, marks of congestion) is refused.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// One datagram at a time.
#[derive(Debug)]
pub(super) struct Plain(UdpSocket);

impl Plain {
    /// Takes the socket over; within a tokio runtime.
    pub fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self(UdpSocket::from_std(socket)?))
    }
}

impl AsyncUdpSocket for Plain {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        self.0.poll_send_to(cx, transmit.contents, transmit.destination)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(meta)) = (bufs.first_mut(), meta.first_mut()) else {
            return Poll::Ready(Ok(0));
        };
        let mut buffer = ReadBuf::new(buffer);
        let from = ready!(self.0.poll_recv_from(cx, &mut buffer))?;
        let length = buffer.filled().len();
        *meta = RecvMeta::default();
        (meta.addr, meta.len, meta.stride) = (from, length, length.max(1));
        Poll::Ready(Ok(1))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn socket() -> Plain {
        Plain::new(std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn datagrams_arrive_one_by_one_as_they_were_sent() {
        let (from, to) = (socket(), socket());
        let destination = to.local_addr().unwrap();
        for contents in [&b"first"[..], b"", b"the last one"] {
            let transmit = Transmit { destination, ecn: None, contents, segment_size: None, src_ip: None };
            poll_fn(|cx| from.poll_send(cx, &transmit)).await.unwrap();
        }
        for expected in [&b"first"[..], b"", b"the last one"] {
            let mut space = [0; 64];
            let mut meta = [RecvMeta::default()];
            let received = poll_fn(|cx| to.poll_recv(cx, &mut [IoSliceMut::new(&mut space)], &mut meta));
            assert_eq!(timeout(LIMIT, received).await.unwrap().unwrap(), 1);
            assert_eq!(&space[..meta[0].len], expected);
            assert_eq!(meta[0].addr, from.local_addr().unwrap());
            assert!(meta[0].stride > 0);
        }
    }
}
