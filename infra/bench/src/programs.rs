//! The programs that are measured: built as they are deployed, one package at a time, so that none gets another's
//! features.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};

/// The functions that are deployed.
const FUNCTIONS: &[&str] = &["ofm", "crm", "referral", "usm", "operator", "relay"];

/// The functions that are measured: all, or those that `FUNCTIONS` names, separated by commas.
pub(crate) fn functions() -> Vec<&'static str> {
    let named = setting("FUNCTIONS");
    let is_named = |name: &str| named.as_ref().is_none_or(|named| named.split(',').any(|one| one == name));
    FUNCTIONS.iter().copied().filter(|name| is_named(name)).collect()
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    setting("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where the benchmark keeps what it makes.
pub(crate) fn output() -> Result<PathBuf> {
    let directory = target().join("bench");
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

#[expect(clippy::disallowed_methods, reason = "a tool reads its settings where it needs them")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Builds a package's program, and where it is. Where `PROGRAMS` names a directory, what lies there is measured instead.
pub(crate) fn build(package: &str) -> Result<PathBuf> {
    if let Some(programs) = setting("PROGRAMS") {
        return Ok(Path::new(&programs).join(package));
    }
    println!("building {package}");
    let status = Command::new("cargo")
        .args(["build", "--locked", "--quiet", "--release", "--package", package, "--bin", package])
        .current_dir(root())
        .status()?;
    ensure!(status.success(), "{package} cannot be built");
    Ok(target().join("release").join(package))
}

/// How large a program is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// As it lies on the disk: the release profile strips it.
    pub(crate) stripped: u64,
    /// Compressed by gzip at its best.
    pub(crate) gzipped: u64,
}

/// Measures a program.
pub(crate) fn size(program: &Path) -> Result<Size> {
    let mut file = File::open(program).with_context(|| format!("{}", program.display()))?;
    let mut gzip = GzEncoder::new(Counter::default(), Compression::best());
    io::copy(&mut file, &mut gzip)?;
    Ok(Size { stripped: fs::metadata(program)?.len(), gzipped: gzip.finish()?.0 })
}

#[derive(Default)]
struct Counter(u64);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
