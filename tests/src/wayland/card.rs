//! Stands between a compositor and one of its programs and says what a compositor with a graphics card says: that a
//! picture of the screen could be had in the card's memory (`zwlr_screencopy_frame_v1.linux_dmabuf`). Without that
//! xdg-desktop-portal-wlr 0.7 shares no screen, not in shared memory either, and a container has no graphics card.
//! Nothing comes of the offer: the program asks for shared memory, since that is what is asked of it.

use std::fs;
use std::io::{self, IoSlice, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// Most files that libwayland sends at once.
const FILES: usize = 28;
const HEADER: usize = 8;
/// `zwlr_screencopy_frame_v1.buffer`: its number and its length in bytes.
const BUFFER: (usize, usize) = (0, HEADER + 16);
/// `zwlr_screencopy_frame_v1.linux_dmabuf`, as well.
const LINUX_DMABUF: (u32, u32) = (5, 20);
/// `DRM_FORMAT_XRGB8888`.
const XRGB: u32 = 0x3432_5258;

/// Who connects to `offered` speaks with the compositor at `compositor`, until either hangs up.
///
/// # Panics
/// When there is no such socket to be made.
pub fn stand_between(offered: &Path, compositor: &Path) {
    let listener = UnixListener::bind(offered).expect("a socket");
    let (offered, compositor) = (offered.to_owned(), compositor.to_owned());
    thread::spawn(move || {
        let met = listener.accept().and_then(|(program, _)| {
            let compositor = UnixStream::connect(compositor)?;
            Ok(((program.try_clone()?, compositor.try_clone()?), (compositor, program)))
        });
        let _ = fs::remove_file(offered); // for one program
        let Ok((asks, answers)) = met else { return };
        thread::spawn(move || pass_on(&asks.0, &asks.1, <[u8]>::to_vec));
        pass_on(&answers.0, &answers.1, with_a_card);
    });
}

/// Passes on whole messages with the files that come with them, until somebody hangs up.
fn pass_on(from: &UnixStream, mut to: &UnixStream, rewrite: impl Fn(&[u8]) -> Vec<u8>) {
    let (mut read, mut files) = (Vec::new(), Vec::new());
    while let Ok(true) = receive(from, &mut read, &mut files) {
        let mut written = Vec::new();
        while let Some(length) = message_length(&read) {
            written.extend(rewrite(&read[..length]));
            read.drain(..length);
        }
        let passed = send(to, &written, &mut files).and_then(|sent| to.write_all(&written[sent..]));
        if passed.is_err() {
            break;
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}

/// `false` at the end.
fn receive(from: &UnixStream, read: &mut Vec<u8>, files: &mut Vec<OwnedFd>) -> io::Result<bool> {
    let mut bytes = [0; 4096];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(from, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    read.extend(&bytes[..got.bytes]);
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(some) = message {
            files.extend(some);
        }
    }
    Ok(got.bytes > 0)
}

/// How many of the bytes were sent, with all files.
fn send(to: &UnixStream, bytes: &[u8], files: &mut Vec<OwnedFd>) -> io::Result<usize> {
    if bytes.is_empty() {
        return Ok(0);
    }
    let some: Vec<_> = files.iter().map(|file| file.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !some.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&some)) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let sent = sendmsg(to, &[IoSlice::new(bytes)], &mut control, SendFlags::empty())?;
    files.clear();
    Ok(sent)
}

/// `None` until the whole first message is there.
fn message_length(bytes: &[u8]) -> Option<usize> {
    let length = word(bytes, 1)? as usize >> 16;
    (length >= HEADER && bytes.len() >= length).then_some(length)
}

fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let bytes = bytes.get(4 * index..4 * index + 4)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

/// The message; behind one that offers a picture in shared memory, another one.
fn with_a_card(message: &[u8]) -> Vec<u8> {
    let mut passed = message.to_vec();
    let words: Vec<u32> = (0..message.len() / 4).filter_map(|index| word(message, index)).collect();
    if let [object, about, _, width, height, stride] = words[..]
        && (about as usize & 0xffff, message.len()) == BUFFER
        && width > 0
        && height > 0
        && stride == 4 * width
    {
        let (number, length) = LINUX_DMABUF;
        let words = [object, length << 16 | number, XRGB, width, height];
        passed.extend(words.into_iter().flat_map(u32::to_ne_bytes));
    }
    passed
}
