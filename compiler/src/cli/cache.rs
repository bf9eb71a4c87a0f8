//! The cache: the runtime's source, its compiled form, and programs that were built before.
//!
//! Everything lies under a digest of the runtime's source and the toolchain's version, so another
//! version of the command never meets this one's files. One build at a time: a lock file. Nothing is
//! trusted because it is there: sources are compared with what the command carries, and a program with
//! its digest, which is written behind it. What cargo made of the sources is trusted as cargo does.

use std::fs::{self, File, TryLockError};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use crate::numbers::hex;
use crate::{Error, files};

use super::children::Running;
use super::terminal::Progress;

/// The runtime's files, and the workspace's manifest and lock file.
const SOURCE: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/runtime_source.rs"));

/// A folder for this version of the command.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
}

/// Where everything that can be made again is kept: `RESNETC_CACHE`, else the user's cache folder.
///
/// # Errors
///
/// If the environment names none.
pub fn folder() -> Result<PathBuf, Error> {
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let folder = variable("RESNETC_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("resnetc")))
        .or_else(|| Some(variable("HOME")?.join(".cache/resnetc")));
    let folder = folder
        .ok_or_else(|| Error::Usage("there is no cache folder: set RESNETC_CACHE, or HOME".to_owned()))?;
    // cargo runs in another folder.
    std::path::absolute(&folder).map_err(|source| Error::Read { path: folder, source })
}

/// Packed weights, and where they go.
#[derive(Clone, Copy)]
pub enum Packed<'a> {
    /// Behind the executable.
    Behind(&'a [u8]),
    /// To a file of their own.
    Beside(&'a Path, &'a [u8]),
}

/// A program's files before it is built.
pub struct Source {
    /// The package's name, and the executable's.
    pub name: String,
    /// `main.rs`
    pub main: String,
    /// A file that `main.rs` includes: its name, and its text.
    pub included: Option<(String, String)>,
}

impl Cache {
    /// Opens the cache, in [`folder`].
    ///
    /// # Errors
    ///
    /// If there is no such folder and it cannot be made.
    pub fn open() -> Result<Self, Error> {
        let base = folder()?;
        let mut hash = Sha256::new();
        hash.update(rustc_version()?);
        for (name, text) in SOURCE {
            hash.update(name);
            hash.update([0]);
            hash.update(text);
            hash.update([0]);
        }
        let cache = Self { root: base.join(hex(&hash.finalize()[..8])) };
        create_dir(&cache.root)?;
        Ok(cache)
    }

    /// The program of a source, which has a digest of its weights, in the cache: it is built if it is not
    /// there, or no longer what was built.
    ///
    /// # Errors
    ///
    /// Those of [`Cache::build`].
    pub fn program(&self, source: &Source, weights: &[u8]) -> Result<PathBuf, Error> {
        let path = self.root.join("programs").join(key(source)).join(&source.name);
        let record = path.with_extension("sha256");
        if digest_of(&path).is_ok_and(|digest| fs::read(&record).is_ok_and(|old| old == digest.as_bytes())) {
            return Ok(path);
        }
        if let Some(folder) = path.parent() {
            create_dir(folder)?;
        }
        self.build(source, &path, Packed::Behind(weights), &Progress::new("compiling"))?;
        let digest = digest_of(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        write(&record, digest.as_bytes())?;
        Ok(path)
    }

    /// Compiles a program, and puts it at `to`, and its weights where they are to be.
    ///
    /// # Errors
    ///
    /// If a file cannot be written, or cargo is missing or fails.
    pub fn build(
        &self,
        source: &Source,
        to: &Path,
        weights: Packed,
        progress: &Progress,
    ) -> Result<(), Error> {
        progress.step("compiling the program (the runtime too, the first time)");
        let lock = self.root.join("lock");
        let file = File::create(&lock).map_err(|source| Error::Write { path: lock.clone(), source })?;
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            progress.step("waiting for another build");
            // Without locks on this file system there is nothing to wait for.
            let _ = file.lock();
            progress.step("compiling the program");
        }
        self.unpack()?;
        let name = format!("program-{}", source.name);
        let package = self.root.join("build").join(&name);
        let src = package.join("src");
        create_dir(&src)?;
        write(&package.join("Cargo.toml"), manifest(&name).as_bytes())?;
        if let Some((_, text)) = SOURCE.iter().find(|(name, _)| *name == "Cargo.lock") {
            write(&package.join("Cargo.lock"), text.as_bytes())?;
        }
        write(&src.join("main.rs"), source.main.as_bytes())?;
        if let Some((name, text)) = &source.included {
            write(&src.join(name), text.as_bytes())?;
        }
        // Nothing is fetched if it is there already, so that a machine without network can build.
        let built = match self.cargo(&package, true, progress) {
            Err(Refused::Offline) => self.cargo(&package, false, progress),
            other => other,
        };
        let executable = match built {
            Ok(executable) => executable,
            Err(Refused::Offline) => {
                return Err(Error::Usage("cargo could not build the program".to_owned()));
            }
            Err(Refused::Failed(error)) => return Err(error),
        };
        install(&executable, weights, to)
    }

    fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// Writes what is not there of the runtime's source, or is there otherwise.
    fn unpack(&self) -> Result<(), Error> {
        for (name, text) in SOURCE {
            let path = self.root.join(name);
            if let Some(folder) = path.parent() {
                create_dir(folder)?;
            }
            let text = if *name == "Cargo.toml" { only_runtime(text) } else { (*text).to_owned() };
            write(&path, text.as_bytes())?;
        }
        Ok(())
    }

    fn cargo(&self, package: &Path, offline: bool, progress: &Progress) -> Result<PathBuf, Refused> {
        let mut command = Command::new(cargo_path());
        command
            .current_dir(package)
            .args(["build", "--release", "--message-format=json-render-diagnostics"])
            .args(offline.then_some("--offline"))
            .env("CARGO_TARGET_DIR", self.target())
            .env("CARGO_TERM_COLOR", "never")
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("CARGO_BUILD_TARGET")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if progress.is_shown() {
            // Cargo's own bar has how much there is to do.
            command.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "80");
        }
        let mut cargo = Running::start(&mut command).map_err(|e| Refused::Failed(no_cargo(&e)))?;
        let stdout = cargo.0.stdout.take();
        let messages = std::thread::Builder::new().spawn(move || stdout.and_then(executable_of));
        let messages = messages.map_err(|e| Refused::Failed(no_thread(e)))?;
        let mut log = String::new();
        if let Some(stderr) = cargo.0.stderr.take() {
            for line in lines(stderr) {
                match units(&line) {
                    Some((done, all)) => {
                        progress.share(&format!("compiling the program: {done} of {all}"), share(done, all));
                    }
                    None => log += &format!("{line}\n"),
                }
            }
        }
        let status = cargo.0.wait().map_err(|e| Refused::Failed(no_cargo(&e)))?;
        let executable = messages.join().ok().flatten();
        if let (true, Some(executable)) = (status.success(), executable) {
            return Ok(executable);
        }
        let missing = ["--offline", "offline mode", "no matching package", "failed to download"];
        if offline && missing.iter().any(|m| log.contains(m)) {
            return Err(Refused::Offline);
        }
        let target = self.target();
        Err(Refused::Failed(Error::Usage(format!(
            "cargo could not build the program:\n{log}\nIf files in {} are damaged, remove that folder.",
            target.display()
        ))))
    }
}

/// What is written, line by line; a bar ends with a carriage return.
fn lines(stderr: impl Read) -> impl Iterator<Item = String> {
    let mut bytes = BufReader::new(stderr).bytes().map_while(Result::ok).peekable();
    std::iter::from_fn(move || {
        bytes.peek()?;
        let line: Vec<u8> = bytes.by_ref().take_while(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        Some(String::from_utf8_lossy(&line).into_owned())
    })
}

/// How many of how many units are compiled, if a line is cargo's bar: `Building [==>  ] 3/20: itoa`.
fn units(line: &str) -> Option<(usize, usize)> {
    let (_, counts) = line.trim_start().strip_prefix("Building [")?.split_once("] ")?;
    let (done, all) = counts.split(':').next()?.split_once('/')?;
    Some((done.trim().parse().ok()?, all.trim().parse().ok()?))
}

/// How much of the work is done: the runtime, last but the program itself, takes as long as all before it.
fn share(done: usize, all: usize) -> f64 {
    if done + 1 >= all { 0.95 } else { 0.5 * done as f64 / all as f64 }
}

/// The executable that cargo's messages name.
fn executable_of(messages: impl Read) -> Option<PathBuf> {
    let mut found = None;
    for line in BufReader::new(messages).lines().map_while(Result::ok) {
        let message: Option<serde_json::Value> = serde_json::from_str(&line).ok();
        if let Some(path) = message.as_ref().and_then(|m| m["executable"].as_str()) {
            found = Some(PathBuf::from(path));
        }
    }
    found
}

enum Refused {
    /// Something has to be downloaded first.
    Offline,
    Failed(Error),
}

fn cargo_path() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

fn no_thread(error: std::io::Error) -> Error {
    Error::Run(resnetc_runtime::Error::Spawn(error))
}

fn no_cargo(error: &std::io::Error) -> Error {
    Error::Usage(format!("cannot run cargo ({error}): resnetc compiles Rust, so it needs Rust's toolchain"))
}

fn rustc_version() -> Result<Vec<u8>, Error> {
    let rustc = std::env::var_os("RUSTC").map_or_else(|| "rustc".into(), PathBuf::from);
    let output = Command::new(rustc).arg("-vV").output().map_err(|e| no_cargo(&e))?;
    Ok(output.stdout)
}

fn manifest(name: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nresnetc-runtime = {{ path = \"../../runtime\", features = [\"program\"] }}\n\n\
         [profile.release]\nstrip = true\n\n[workspace]\n"
    )
}

/// The workspace's manifest with the runtime as its only member.
fn only_runtime(manifest: &str) -> String {
    let line = |line: &str| match line.starts_with("members") {
        true => "members = [\"runtime\"]\n".to_owned(),
        false => format!("{line}\n"),
    };
    manifest.lines().filter(|l| !l.starts_with("exclude")).map(line).collect()
}

/// Tells a program's source from all others.
fn key(source: &Source) -> String {
    let mut hash = Sha256::new();
    let (name, text) = source.included.as_ref().map_or(("", ""), |(name, text)| (name, text));
    for part in [&source.main, name, text] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize()[..16])
}

/// The digest of a file's bytes, in hexadecimal digits.
fn digest_of(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut part = vec![0; 1 << 16];
    loop {
        match file.read(&mut part)? {
            0 => return Ok(hex(&hash.finalize())),
            length => hash.update(&part[..length]),
        }
    }
}

fn create_dir(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Writes a file unless it has these bytes already: cargo looks at times.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    files::write_whole(path, bytes)
}

/// Copies an executable, and writes its weights; whole or not at all. Both are there before one takes its name:
/// an executable has no use for the weights of another.
fn install(from: &Path, weights: Packed, to: &Path) -> Result<(), Error> {
    let read = |source| Error::Read { path: from.to_owned(), source };
    let mut executable = File::open(from).map_err(read)?;
    let permissions = executable.metadata().map_err(read)?.permissions();
    let beside = match weights {
        Packed::Behind(_) => None,
        Packed::Beside(path, weights) => Some(files::prepare(path, None, |file| file.write_all(weights))?),
    };
    let program = files::prepare(to, Some(permissions), |file| {
        let length = std::io::copy(&mut executable, file)?;
        match weights {
            Packed::Behind(weights) => resnetc_runtime::weights::append(length, weights, file),
            Packed::Beside(..) => Ok(()),
        }
    })?;
    if let Some(beside) = beside {
        beside.take_name()?;
    }
    program.take_name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_was_damaged_is_written_again_and_no_other_is_touched() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache { root: folder.path().to_owned() };
        let time = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).expect("is there");
        cache.unpack().expect("writes");
        let (damaged, whole) =
            (cache.root.join("runtime/src/lib.rs"), cache.root.join("runtime/src/plan.rs"));
        let (text, before) = (fs::read(&damaged).expect("reads"), time(&whole));
        fs::write(&damaged, &text[..text.len() / 2]).expect("writes");
        cache.unpack().expect("writes");
        assert_eq!(fs::read(&damaged).expect("reads"), text);
        assert_eq!(time(&whole), before, "cargo would compile it again");
    }

    #[test]
    fn programs_of_other_sources_have_other_places() {
        let source = |main: &str, included: Option<(&str, &str)>| Source {
            name: "net".into(),
            main: main.into(),
            included: included.map(|(name, text)| (name.into(), text.into())),
        };
        let keys = [
            source("a", None),
            source("b", None),
            source("a", Some(("labels", "x"))),
            source("a", Some(("label", "sx"))),
        ]
        .map(|source| key(&source));
        for (index, one) in keys.iter().enumerate() {
            assert!(keys[index + 1..].iter().all(|other| other != one), "{keys:?}");
        }
    }

    #[test]
    fn cargos_bar_tells_how_much_is_done() {
        let written =
            "   Compiling itoa v1.0.19\n    Building [==>   ] 0/2: itoa    \r   Compiling one v0.1.0\nend";
        let found: Vec<String> = lines(written.as_bytes()).collect();
        let bar = "    Building [==>   ] 0/2: itoa    ";
        assert_eq!(found, ["   Compiling itoa v1.0.19", bar, "   Compiling one v0.1.0", "end"]);
        assert_eq!(units(bar), Some((0, 2)));
        assert_eq!(units("    Building [=======> ] 117/120: a, b"), Some((117, 120)));
        for other in ["   Compiling a v0.1.0", "    Building [broken", "error: 3/4: no", ""] {
            assert_eq!(units(other), None);
        }
    }
}
