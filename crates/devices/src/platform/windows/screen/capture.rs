//! Pictures of one screen or window: the system draws each change into a texture and hands it over on a thread of
//! its own; what was not fetched by then is dropped. The pointer is part of the picture.

use std::slice;
use std::sync::Arc;
use std::time::Instant;

use maru_media::video::convert::{PixelFormat, RawPicture, to_i420};
use maru_media::{FramePool, ScreenError, ScreenSource, VideoFrame};
use windows::Foundation::TypedEventHandler;
use windows::Graphics::Capture::{
    Direct3D11CaptureFrame, Direct3D11CaptureFramePool, GraphicsCaptureItem, GraphicsCaptureSession,
};
use windows::Graphics::DirectX::Direct3D11::IDirect3DDevice;
use windows::Graphics::DirectX::DirectXPixelFormat;
use windows::Graphics::SizeInt32;
use windows::Win32::Foundation::{E_FAIL, HMODULE};
use windows::Win32::Graphics::Direct3D::{D3D_DRIVER_TYPE, D3D_DRIVER_TYPE_HARDWARE, D3D_DRIVER_TYPE_WARP};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BOX, D3D11_CPU_ACCESS_READ, D3D11_CREATE_DEVICE_BGRA_SUPPORT, D3D11_MAP_READ,
    D3D11_MAPPED_SUBRESOURCE, D3D11_SDK_VERSION, D3D11_TEXTURE2D_DESC, D3D11_USAGE_STAGING,
    D3D11CreateDevice, ID3D11Device, ID3D11DeviceContext, ID3D11Multithread, ID3D11Texture2D,
};
use windows::Win32::Graphics::Dxgi::Common::{DXGI_FORMAT_B8G8R8A8_UNORM, DXGI_SAMPLE_DESC};
use windows::Win32::Graphics::Dxgi::IDXGIDevice;
use windows::Win32::System::WinRT::Direct3D11::{
    CreateDirect3D11DeviceFromDXGIDevice, IDirect3DDxgiInterfaceAccess,
};
use windows::core::{Error, IInspectable, Interface as _};

use super::super::super::newest::Newest;
use super::list::Place;
use super::refused;
use crate::screen::{Grabber, PATIENCE};
use crate::worker::Stop;

/// One that is read, one that waits, one that is drawn into.
const BUFFERS: i32 = 3;
const FORMAT: DirectXPixelFormat = DirectXPixelFormat::B8G8R8A8UIntNormalized;
/// What is smaller cannot be encoded.
const MIN_SIDE_PX: u32 = 16;

/// A picture that nobody looked at yet. Its texture goes back to the pool at once when it is dropped.
struct Arrived {
    frame: Direct3D11CaptureFrame,
    at: Instant,
}

impl Drop for Arrived {
    fn drop(&mut self) {
        let _ = self.frame.Close(); // gone with the pool at the latest
    }
}

/// Takes pictures of a screen or a window.
pub struct WindowsGrabber {
    source: ScreenSource,
    place: Place,
    newest: Arc<Newest<Arrived>>,
    capture: Capture,
    device: Device,
}

impl WindowsGrabber {
    /// Begins to take pictures.
    pub fn open(mut source: ScreenSource, place: Place) -> Result<Self, Error> {
        let item = place.item()?;
        let size = item.Size()?;
        if let (Ok(width), Ok(height)) = (u32::try_from(size.Width), u32::try_from(size.Height)) {
            (source.width, source.height) = (width, height);
        }
        let device = Device::new()?;
        let newest = Arc::new(Newest::new());
        let capture = Capture::start(item, size, &device, &newest, &source.name)?;
        Ok(Self { source, place, newest, capture, device })
    }

    fn take(&mut self, arrived: &Arrived, pool: &FramePool) -> Result<Option<VideoFrame>, Error> {
        let content = arrived.frame.ContentSize()?;
        let surface: IDirect3DDxgiInterfaceAccess = arrived.frame.Surface()?.cast()?;
        // SAFETY: the surface is a texture; one that is not is answered with an error.
        let texture: ID3D11Texture2D = unsafe { surface.GetInterface() }?;
        let picture = self.device.read(&texture, content, arrived.at, pool)?;
        // From the next picture on; this one is cut, or has the edges of before beside it.
        self.capture.fit(content, &self.device)?;
        Ok(picture)
    }

    fn closed(&self) -> ScreenError {
        ScreenError::Closed { name: self.source.name.clone() }
    }
}

impl Grabber for WindowsGrabber {
    fn source(&self) -> ScreenSource {
        self.source.clone()
    }

    fn next(&mut self, pool: &FramePool, _: &Stop) -> Result<Option<VideoFrame>, ScreenError> {
        // The system's own word for it does not come for every window.
        if !self.place.is_there() {
            return Err(self.closed());
        }
        let Some(arrived) = self.newest.wait(PATIENCE)? else { return Ok(None) };
        match self.take(&arrived, pool) {
            Ok(picture) => Ok(picture),
            Err(_) if !self.place.is_there() => Err(self.closed()),
            Err(error) => Err(refused(&self.source.name, &error)),
        }
    }
}

/// The system's side, for as long as it is kept.
struct Capture {
    item: GraphicsCaptureItem,
    closed: i64,
    pool: Direct3D11CaptureFramePool,
    arrived: i64,
    session: GraphicsCaptureSession,
    /// Of the pool's textures.
    size: SizeInt32,
}

impl Capture {
    fn start(
        item: GraphicsCaptureItem,
        size: SizeInt32,
        device: &Device,
        newest: &Arc<Newest<Arrived>>,
        name: &str,
    ) -> Result<Self, Error> {
        let size = usable(size);
        let pool = Direct3D11CaptureFramePool::CreateFreeThreaded(&device.shared, FORMAT, BUFFERS, size)?;
        let session = pool.CreateCaptureSession(&item)?;
        let (put, end, name) = (Arc::clone(newest), Arc::clone(newest), name.to_owned());
        let on_arrived =
            TypedEventHandler::<Direct3D11CaptureFramePool, IInspectable>::new(move |pool, _| {
                // None: another call took it.
                if let Ok(frame) = pool.ok()?.TryGetNextFrame() {
                    put.put(Arrived { frame, at: Instant::now() });
                }
                Ok(())
            });
        // Comes on threads that take messages only, which this one is not everywhere.
        let on_closed = TypedEventHandler::<GraphicsCaptureItem, IInspectable>::new(move |_, _| {
            end.end(ScreenError::Closed { name: name.clone() });
            Ok(())
        });
        let arrived = pool.FrameArrived(&on_arrived)?;
        let closed = item.Closed(&on_closed)?;
        let capture = Self { item, closed, pool, arrived, session, size };
        capture.session.StartCapture()?;
        Ok(capture)
    }

    /// Has pictures as large as what is shown.
    fn fit(&mut self, content: SizeInt32, device: &Device) -> Result<(), Error> {
        let size = usable(content);
        if size != self.size {
            self.pool.Recreate(&device.shared, FORMAT, BUFFERS, size)?;
            self.size = size;
        }
        Ok(())
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // Nothing can be done about a refusal, and all of it is released anyway.
        let _ = self.item.RemoveClosed(self.closed);
        let _ = self.pool.RemoveFrameArrived(self.arrived);
        let _ = self.session.Close();
        let _ = self.pool.Close();
    }
}

/// A texture has at least one pixel.
fn usable(size: SizeInt32) -> SizeInt32 {
    SizeInt32 { Width: size.Width.max(1), Height: size.Height.max(1) }
}

/// The graphics card, or what stands in for one.
struct Device {
    device: ID3D11Device,
    context: ID3D11DeviceContext,
    /// The same one, as the system's capture knows it.
    shared: IDirect3DDevice,
    /// What the processor can read, and its size.
    readable: Option<(ID3D11Texture2D, (u32, u32))>,
}

impl Device {
    fn new() -> Result<Self, Error> {
        let (device, context) = create(D3D_DRIVER_TYPE_HARDWARE).or_else(|_| create(D3D_DRIVER_TYPE_WARP))?;
        // The system's capture uses it too, on its own thread.
        // SAFETY: takes no pointers.
        let _ = unsafe { context.cast::<ID3D11Multithread>()?.SetMultithreadProtected(true) };
        // SAFETY: it keeps the device itself.
        let shared = unsafe { CreateDirect3D11DeviceFromDXGIDevice(&device.cast::<IDXGIDevice>()?) }?;
        Ok(Self { device, context, shared: shared.cast()?, readable: None })
    }

    /// A texture's part that shows something; `None` where that is too small.
    fn read(
        &mut self,
        texture: &ID3D11Texture2D,
        content: SizeInt32,
        captured: Instant,
        pool: &FramePool,
    ) -> Result<Option<VideoFrame>, Error> {
        let mut kind = D3D11_TEXTURE2D_DESC::default();
        // SAFETY: it fills the structure.
        unsafe { texture.GetDesc(&raw mut kind) };
        // What encodes it needs even sides: a row too few is better than all of them blurred.
        let side = |shown: i32, there: u32| u32::try_from(shown).unwrap_or(0).min(there) & !1;
        let (width, height) = (side(content.Width, kind.Width), side(content.Height, kind.Height));
        if width.min(height) < MIN_SIDE_PX {
            return Ok(None);
        }
        let readable = self.readable((width, height))?;
        let area = D3D11_BOX { left: 0, top: 0, front: 0, right: width, bottom: height, back: 1 };
        let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
        // SAFETY: both textures are of one format, and the area is within both.
        unsafe {
            self.context.CopySubresourceRegion(&readable, 0, 0, 0, 0, texture, 0, Some(&raw const area));
            self.context.Map(&readable, 0, D3D11_MAP_READ, 0, Some(&raw mut mapped))?;
        }
        let stride = mapped.RowPitch as usize;
        // SAFETY: a mapped texture has as many rows as it is high, until it is unmapped below.
        let data = unsafe { slice::from_raw_parts(mapped.pData.cast::<u8>(), stride * height as usize) };
        let picture = RawPicture {
            format: PixelFormat::Bgrx32,
            width_px: width,
            height_px: height,
            stride: Some(stride),
            data,
        };
        let frame = to_i420(picture, captured, pool);
        // SAFETY: it was mapped above, and nothing reads it any more.
        unsafe { self.context.Unmap(&readable, 0) };
        match frame {
            Ok(frame) => Ok(Some(frame)),
            Err(error) => {
                tracing::warn!(%error, "a picture of a screen makes no sense");
                Ok(None)
            }
        }
    }

    fn readable(&mut self, size: (u32, u32)) -> Result<ID3D11Texture2D, Error> {
        if let Some((texture, of_size)) = &self.readable
            && *of_size == size
        {
            return Ok(texture.clone());
        }
        let kind = D3D11_TEXTURE2D_DESC {
            Width: size.0,
            Height: size.1,
            MipLevels: 1,
            ArraySize: 1,
            Format: DXGI_FORMAT_B8G8R8A8_UNORM,
            SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
            Usage: D3D11_USAGE_STAGING,
            BindFlags: 0,
            CPUAccessFlags: D3D11_CPU_ACCESS_READ.0 as u32,
            MiscFlags: 0,
        };
        let mut texture = None;
        // SAFETY: both pointers are to what lives longer than the call.
        unsafe { self.device.CreateTexture2D(&raw const kind, None, Some(&raw mut texture)) }?;
        let texture = texture.ok_or(E_FAIL)?;
        self.readable = Some((texture.clone(), size));
        Ok(texture)
    }
}

fn create(kind: D3D_DRIVER_TYPE) -> Result<(ID3D11Device, ID3D11DeviceContext), Error> {
    let (mut device, mut context) = (None, None);
    // SAFETY: the pointers are to what lives longer than the call.
    unsafe {
        D3D11CreateDevice(
            None,
            kind,
            HMODULE::default(),
            D3D11_CREATE_DEVICE_BGRA_SUPPORT,
            None,
            D3D11_SDK_VERSION,
            Some(&raw mut device),
            None,
            Some(&raw mut context),
        )
    }?;
    Ok((device.ok_or(E_FAIL)?, context.ok_or(E_FAIL)?))
}
