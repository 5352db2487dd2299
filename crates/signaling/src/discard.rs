//! A stream that can be told to throw away what comes.
//!
//! Closing a socket while there is unread data in it resets the connection, and a reset can overtake
//! the last message that was sent. After a message that is too large to be read the server therefore
//! drains the socket, without keeping any of it, until the client has read the reason.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Switches a [`DiscardingStream`] over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Discard(Arc<AtomicBool>);

impl Discard {
    /// From the next read on everything is thrown away, until the far side ends the stream.
    pub(crate) fn start(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct DiscardingStream<S> {
    inner: S,
    discard: Discard,
}

impl<S> DiscardingStream<S> {
    /// Wraps a stream that is read as usual until `discard` is started.
    pub(crate) fn new(inner: S, discard: Discard) -> Self {
        Self { inner, discard }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for DiscardingStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.discard.0.load(Ordering::Relaxed) {
            let mut scratch = [0; 4096];
            let mut thrown_away = ReadBuf::new(&mut scratch);
            // Tokio's budget per task makes this pending now and then, however fast data comes.
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut thrown_away))?;
            if thrown_away.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
        Pin::new(&mut this.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for DiscardingStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
