//! The steps by which a store reaches the disk, apart from each other, so that tests can stop after each of them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// The few system calls that writing a store takes.
pub(super) trait Disk {
    /// Creates a file that only its owner may read and write. Fails where something has this name, a link included.
    fn create(&self, path: &Path) -> io::Result<File>;
    /// Writes all bytes at the end of the file.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()>;
    /// Waits until the content of the file is on the disk.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Gives the file a name, in the place of what had this name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Waits until the names in the folder are on the disk.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Deletes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The real disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct System;

impl Disk for System {
    fn create(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        // The process's mask may have taken rights of the owner, too.
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(file)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// A file system that cannot sync folders says so, and nothing more can be done there. On other systems than Unix
    /// a folder cannot be opened.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if cfg!(not(unix)) {
            return Ok(());
        }
        match File::open(folder)?.sync_all() {
            Err(fault)
                if [io::ErrorKind::InvalidInput, io::ErrorKind::Unsupported].contains(&fault.kind()) =>
            {
                Ok(())
            }
            synced => synced,
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_created_only_where_nothing_has_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let taken = folder.path().join("taken");
        fs::write(&taken, "precious").expect("written");
        let create = |name| System.create(&folder.path().join(name)).map_err(|fault| fault.kind()).map(drop);
        assert_eq!(create("taken"), Err(io::ErrorKind::AlreadyExists));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&taken, folder.path().join("link")).expect("linked");
            std::os::unix::fs::symlink("nothing", folder.path().join("dangling")).expect("linked");
            assert_eq!(create("link"), Err(io::ErrorKind::AlreadyExists));
            assert_eq!(create("dangling"), Err(io::ErrorKind::AlreadyExists));
        }
        assert_eq!(create("free"), Ok(()));
        assert_eq!(fs::read(taken).expect("there"), b"precious");
    }
}
