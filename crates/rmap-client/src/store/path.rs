//! One spelling for each file.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// As many symbolic links as Linux follows.
const MOST_LINKS: usize = 40;

/// A file in a folder that exists, with all symbolic links resolved. The file itself need not exist.
#[derive(Debug)]
pub(super) struct RealPath {
    pub(super) file: PathBuf,
    pub(super) folder: PathBuf,
}

impl RealPath {
    /// Resolves the links of the folder, and those that stand at the path itself. Otherwise two spellings of one file
    /// would have two locks.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut path = path.to_path_buf();
        for _ in 0..MOST_LINKS {
            let name = path.file_name().ok_or_else(|| invalid("the path does not end in a file name"))?;
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let folder = fs::canonicalize(parent.unwrap_or_else(|| Path::new(".")))?;
            let file = folder.join(name);
            match fs::read_link(&file) {
                Ok(target) => path = folder.join(target),
                Err(_) => return Ok(Self { file, folder }),
            }
        }
        Err(invalid("too many symbolic links"))
    }

    /// A file beside the store whose name begins with that of the store.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(suffix);
        name.into()
    }

    /// Fails unless there is a regular file or nothing. A rename would replace a device, for example.
    pub(super) fn expect_file(&self) -> io::Result<()> {
        match fs::symlink_metadata(&self.file) {
            Ok(found) if found.is_file() => Ok(()),
            Ok(_) => Err(no_regular_file()),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}

pub(super) fn no_regular_file() -> io::Error {
    invalid("it is no regular file")
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}
