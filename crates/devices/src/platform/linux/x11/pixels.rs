//! A picture's pixels from the X server: through memory that both have (MIT-SHM) where the server is on this machine
//! and can, else over the connection, which takes it several times as long. It refuses to know what the picture is of.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{MemfdFlags, memfd_create};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::ConnectionError;
use x11rb::protocol::shm::{self, ConnectionExt as _, Seg};
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat};
use x11rb::rust_connection::RustConnection;

use super::{Area, BYTES_PER_PIXEL, Refused};

/// Takes pixels; keeps the memory from picture to picture.
pub struct Pixels {
    shares: bool,
    shared: Option<Shared>,
    data: Vec<u8>,
}

/// Memory that the server writes to. It is read as a file and mapped nowhere here: a copy costs less than the
/// conversion that follows, and nobody writes to what a slice of ours points to.
struct Shared {
    segment: Seg,
    memory: File,
    bytes: usize,
}

impl Pixels {
    /// Over the connection only.
    pub fn plain() -> Self {
        Self { shares: false, shared: None, data: Vec::new() }
    }

    /// Through shared memory where the server has a version of the extension that takes files.
    pub fn shared(connection: &RustConnection) -> Result<Self, Refused> {
        let there = connection.extension_information(shm::X11_EXTENSION_NAME)?.is_some();
        let shares = there && {
            let version = connection.shm_query_version()?.reply()?;
            (version.major_version, version.minor_version) >= (1, 2)
        };
        Ok(Self { shares, ..Self::plain() })
    }

    /// The pixels of this much of an area, B G R X, row by row.
    pub fn take(
        &mut self,
        connection: &RustConnection,
        area: &Area,
        (width, height): (u16, u16),
    ) -> Result<&mut [u8], Refused> {
        let bytes = usize::from(width) * usize::from(height) * BYTES_PER_PIXEL;
        if self.shares {
            match self.take_shared(connection, area, (width, height), bytes) {
                Ok(()) => return Ok(&mut self.data),
                Err(error) if error.is_absence() => return Err(error),
                // A server on another machine has the extension too, and no use for it.
                Err(error) => {
                    tracing::debug!(error = %error.0, "an X server does not share memory");
                    self.shares = false;
                    self.forget(connection);
                }
            }
        }
        let (format, (x, y)) = (ImageFormat::Z_PIXMAP, area.from);
        self.data = connection.get_image(format, area.drawable, x, y, width, height, !0)?.reply()?.data;
        Ok(&mut self.data)
    }

    fn take_shared(
        &mut self,
        connection: &RustConnection,
        area: &Area,
        (width, height): (u16, u16),
        bytes: usize,
    ) -> Result<(), Refused> {
        if self.shared.as_ref().is_none_or(|shared| shared.bytes < bytes) {
            self.forget(connection);
            self.shared = Some(Shared::new(connection, bytes)?);
        }
        let Some(Shared { segment, memory, .. }) = &self.shared else { return Ok(()) };
        let (format, (x, y)) = (ImageFormat::Z_PIXMAP.into(), area.from);
        let drawable = area.drawable;
        let asked = connection.shm_get_image(drawable, x, y, width, height, !0, format, *segment, 0)?;
        // Less where its pixels are others than the screen's.
        self.data.resize(bytes.min(asked.reply()?.size as usize), 0);
        memory.read_exact_at(&mut self.data, 0).map_err(ConnectionError::from)?;
        Ok(())
    }

    fn forget(&mut self, connection: &RustConnection) {
        if let Some(shared) = self.shared.take() {
            let _ = connection.shm_detach(shared.segment); // gone with the connection at the latest
        }
    }
}

impl Shared {
    fn new(connection: &RustConnection, bytes: usize) -> Result<Self, Refused> {
        let make = || {
            let memory = File::from(memfd_create("maru-screen", MemfdFlags::CLOEXEC)?);
            memory.set_len(bytes as u64)?;
            let theirs = memory.try_clone()?;
            Ok::<_, std::io::Error>((memory, theirs))
        };
        let (memory, theirs) = make().map_err(ConnectionError::from)?;
        let segment = connection.generate_id()?;
        connection.shm_attach_fd(segment, theirs, false)?.check()?;
        Ok(Self { segment, memory, bytes })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::platform::linux::x11::Server;

    /// Takes pictures of the whole screen both ways, in turn.
    #[test]
    #[ignore = "a figure: it wants an X server, such as that of `xvfb-run -s '-screen 0 1920x1080x24'`"]
    fn figures_of_a_picture_by_both_ways() {
        const PICTURES: u32 = 200;
        let server = Server::connect().unwrap();
        let connection = &server.connection;
        let geometry = connection.get_geometry(server.root).unwrap().reply().unwrap();
        let size = (geometry.width, geometry.height);
        let area = Area { drawable: server.root, from: (0, 0), at: (0, 0), size };
        let mut ways =
            [("connection", Pixels::plain()), ("shared memory", Pixels::shared(connection).unwrap())];
        let first = ways[0].1.take(connection, &area, size).unwrap().to_vec();
        for round in 0..3 {
            for (way, pixels) in &mut ways {
                let begun = Instant::now();
                for _ in 0..PICTURES {
                    assert!(pixels.take(connection, &area, size).unwrap().len() == first.len());
                }
                let each = begun.elapsed() / PICTURES;
                println!("{} × {}, round {round}, {way}: {each:.2?} a picture", size.0, size.1);
                assert!(pixels.data == first, "{way}: another picture");
            }
        }
        assert!(ways[1].1.shares, "this server does not share memory");
    }
}
