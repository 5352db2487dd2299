//! Writes an archive as the kernel unpacks it into its first file system: cpio in its "newc" form
//! (`Documentation/driver-api/early-userspace/buffer-format.rst` of the kernel).

use std::io::{self, Write};

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;

/// An archive that is being written.
pub struct Archive<W> {
    output: W,
    entries: u32,
    folders: Vec<String>,
}

impl<W: Write> Archive<W> {
    /// An empty one.
    pub fn new(output: W) -> Self {
        Self { output, entries: 0, folders: Vec::new() }
    }

    /// Adds a folder and those that it is in, unless they are there.
    pub fn folder(&mut self, path: &str) -> io::Result<()> {
        let mut whole = String::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            if !whole.is_empty() {
                whole.push('/');
            }
            whole.push_str(part);
            if !self.folders.contains(&whole) {
                self.folders.push(whole.clone());
                self.entry(&whole, FOLDER, &[])?;
            }
        }
        Ok(())
    }

    /// Adds a file that everybody may read and start.
    pub fn file(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        let path = path.trim_start_matches('/');
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.folder(folder)?;
        }
        self.entry(path, PROGRAM, content)
    }

    /// Writes the end.
    pub fn finish(mut self) -> io::Result<W> {
        self.entry("TRAILER!!!", 0, &[])?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        let size = u32::try_from(content.len())
            .map_err(|_| io::Error::other(format!("{path} is too large for an archive")))?;
        self.entries += 1;
        // inode, mode, user, group, links, time, size, device and special device as pairs, length of the
        // path with its closing zero, no checksum.
        let name = u32::try_from(path.len() + 1).unwrap_or(u32::MAX);
        write!(self.output, "070701")?;
        for field in [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name, 0] {
            write!(self.output, "{field:08X}")?;
        }
        // The header takes 110 bytes; what follows begins at a multiple of four.
        self.output.write_all(path.as_bytes())?;
        self.zeros(1 + padding(110 + path.len() + 1))?;
        self.output.write_all(content)?;
        self.zeros(padding(content.len()))
    }

    fn zeros(&mut self, count: usize) -> io::Result<()> {
        self.output.write_all(&[0; 4][..count])
    }
}

/// Bytes up to the next multiple of four.
fn padding(length: usize) -> usize {
    length.next_multiple_of(4) - length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_before_their_files_and_only_once() {
        let mut archive = Archive::new(Vec::new());
        archive.file("/bin/a", b"12345").unwrap();
        archive.file("/bin/b", b"").unwrap();
        let bytes = archive.finish().unwrap();
        assert_eq!(bytes.len() % 4, 0);
        // Entry by entry, as the kernel reads them.
        let mut rest = &bytes[..];
        let mut found = Vec::new();
        while !rest.is_empty() {
            assert_eq!(&rest[..6], b"070701");
            let field = |index: usize| {
                let text = std::str::from_utf8(&rest[6 + 8 * index..][..8]).unwrap();
                usize::from_str_radix(text, 16).unwrap()
            };
            let (mode, size, name) = (field(1), field(6), field(11));
            let path = String::from_utf8(rest[110..110 + name - 1].to_vec()).unwrap();
            assert_eq!(rest[110 + name - 1], 0);
            let content = (110 + name).next_multiple_of(4);
            found.push((path, mode, rest[content..content + size].to_vec()));
            rest = &rest[(content + size).next_multiple_of(4)..];
        }
        let entry = |path: &str, mode: u32, content: &[u8]| (path.into(), mode as usize, content.to_vec());
        assert_eq!(
            found,
            [
                entry("bin", FOLDER, b""),
                entry("bin/a", PROGRAM, b"12345"),
                entry("bin/b", PROGRAM, b""),
                entry("TRAILER!!!", 0, b""),
            ]
        );
    }
}
