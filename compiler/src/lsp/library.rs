//! The compiler's own texts as files that an editor can open: standard blocks, shipped models, and the
//! long forms of diagnostics.
//!
//! They lie in the cache, for reading only, under a digest of all of them: another version's are
//! others.

use std::fs;
use std::path::{Path, PathBuf};

use lsp_types::Uri;
use sha2::{Digest, Sha256};

use crate::diagnostics::{Code, explain};
use crate::files;
use crate::model::shipped::{LABELS, SPECS, STANDARD, Shipped};
use crate::numbers::hex;

use super::uri;

/// A folder of files, each written when it is asked for and not there as it should be.
pub struct Library {
    /// None without a cache: then nothing of it can be opened.
    root: Option<PathBuf>,
}

impl Library {
    /// The library in a cache's folder.
    pub fn new(cache: Option<PathBuf>) -> Self {
        let mut hash = Sha256::new();
        for shipped in shipped() {
            hash.update(shipped.name);
            hash.update(shipped.text);
        }
        for code in Code::ALL {
            hash.update(explain(&code.to_string()).unwrap_or_default());
        }
        let key = hex(&hash.finalize()[..8]);
        Self { root: cache.map(|cache| cache.join("library").join(key)) }
    }

    /// Whether a document is one of these files.
    pub fn owns(&self, uri: &Uri) -> bool {
        uri::to_path(uri).zip(self.root.as_ref()).is_some_and(|(path, root)| path.starts_with(root))
    }

    /// A shipped file, by the name that sources have.
    pub fn shipped(&self, name: &str) -> Option<Uri> {
        let shipped = shipped().find(|s| s.name == name)?;
        self.file(Path::new(name), shipped.text)
    }

    /// The long form of a diagnostic.
    pub fn explanation(&self, code: Code) -> Option<Uri> {
        self.file(&Path::new("codes").join(format!("{code}.md")), &explain(&code.to_string())?)
    }

    fn file(&self, name: &Path, text: &str) -> Option<Uri> {
        let path = self.root.as_ref()?.join(name);
        if !fs::read(&path).is_ok_and(|bytes| bytes == text.as_bytes()) {
            fs::create_dir_all(path.parent()?).ok()?;
            files::write_whole(&path, text.as_bytes()).ok()?;
            let mut permissions = fs::metadata(&path).ok()?.permissions();
            permissions.set_readonly(true);
            fs::set_permissions(&path, permissions).ok()?;
        }
        uri::from_path(&path)
    }
}

fn shipped() -> impl Iterator<Item = &'static Shipped> {
    STANDARD.iter().chain(SPECS).chain(LABELS)
}
