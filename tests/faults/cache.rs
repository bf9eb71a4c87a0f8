//! A cache whose files are not what was put there.
//!
//! Another program stands for cargo here: it writes down what it is given to compile, and its executable is a
//! script. What cargo keeps for itself, its compiled crates, is trusted as cargo trusts it.

use super::*;

/// Writes down the sources below the cache's folder for this version, and names its executable.
const CARGO: &str = "#!/bin/sh
[ -z \"$FAIL\" ] || { echo 'error: extern location does not exist' >&2; exit 101; }
(cd ../.. && find . -type f -not -path './programs/*' -not -name lock | sort | xargs sha256sum) >\"$SEEN\"
echo \"{\\\"executable\\\":\\\"$EXECUTABLE\\\"}\"
";
/// The program that it makes; what is behind it are weights.
const EXECUTABLE: &str = "#!/bin/sh\necho it runs\nexit 0\n";

const SMALL: &str =
    "model m { input image(3, 8, 8); stem { conv 3x3, 8 }; head { global_avg_pool; linear 2 } }\n";

/// A folder with a cache of its own.
struct Cache {
    folder: PathBuf,
}

impl Cache {
    fn new(name: &str) -> Self {
        let folder = scratch(name);
        fs::write(folder.join("m.resnet"), SMALL).unwrap();
        for (name, content) in [("cargo", CARGO), ("executable", EXECUTABLE)] {
            let text = folder.join("text");
            fs::write(&text, content).unwrap();
            copy_program(&text, &folder.join(name));
        }
        Self { folder }
    }

    fn resnetc(&self, arguments: &[&str]) -> Command {
        let mut command = resnetc(&self.folder);
        command
            .env("RESNETC_CACHE", self.folder.join("cache"))
            .env("CARGO", self.folder.join("cargo"))
            .env("SEEN", self.folder.join("seen"))
            .env("EXECUTABLE", self.folder.join("executable"))
            .args(arguments);
        command
    }

    fn build(&self) -> Command {
        self.resnetc(&["build", "m.resnet", "--random-weights", "-o", "out"])
    }

    /// What cargo was given, each file with its digest.
    fn seen(&self) -> String {
        fs::read_to_string(self.folder.join("seen")).unwrap()
    }

    /// The folder of this version.
    fn root(&self) -> PathBuf {
        let cache = self.folder.join("cache");
        let [name] = &names(&cache)[..] else { panic!("one version") };
        cache.join(name)
    }
}

/// What became of a file, and how.
type Damage = (&'static str, fn(&Path));

const DAMAGES: [Damage; 4] = [
    ("cut", |path| fs::write(path, "").unwrap()),
    ("changed", |path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    }),
    ("longer", |path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, [&bytes[..], b"\nmore\n"].concat()).unwrap();
    }),
    ("gone", |path| fs::remove_file(path).unwrap()),
];

#[test]
fn sources_are_what_the_command_carries_whatever_is_in_the_cache() {
    let cache = Cache::new("sources");
    good(&mut cache.build());
    let whole = cache.seen();
    assert!(
        whole.contains("./runtime/src/lib.rs") && whole.contains("./build/program-m/src/main.rs"),
        "{whole}"
    );
    for file in [
        "Cargo.toml",
        "Cargo.lock",
        "runtime/Cargo.toml",
        "runtime/src/lib.rs",
        "build/program-m/Cargo.toml",
        "build/program-m/Cargo.lock",
        "build/program-m/src/main.rs",
    ] {
        for (what, damage) in DAMAGES {
            damage(&cache.root().join(file));
            good(&mut cache.build());
            assert_eq!(cache.seen(), whole, "{file} was {what}");
        }
    }
    fs::remove_dir_all(cache.root().join("runtime")).unwrap();
    good(&mut cache.build());
    assert_eq!(cache.seen(), whole, "the runtime's folder was gone");
}

/// The cached program.
fn cached(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut entries = entries.map(|path| if path.is_dir() { cached(&path) } else { Some(path) });
    entries.find_map(|path| path.filter(|path| path.ends_with("m")))
}

#[test]
fn a_cached_program_that_is_damaged_is_built_again() {
    let cache = Cache::new("programs");
    let mut run = cache.resnetc(&["run", "m.resnet", "--random-weights", "--", "info"]);
    assert_eq!(good(&mut run), "it runs\n");
    let program = cached(&cache.root().join("programs")).unwrap();
    let whole = fs::read(&program).unwrap();
    assert!(whole.starts_with(EXECUTABLE.as_bytes()));
    for (what, damage) in DAMAGES {
        damage(&program);
        assert_eq!(good(&mut run), "it runs\n", "the program was {what}");
        assert!(fs::read(&program).unwrap() == whole, "the program was {what}");
    }
    let written = || fs::metadata(&program).unwrap().modified().unwrap();
    let before = written();
    good(&mut run);
    assert_eq!(written(), before, "what is whole is not built again");
}

#[test]
fn a_cargo_that_fails_leaves_the_old_program_and_is_quoted() {
    let cache = Cache::new("failing");
    good(&mut cache.build());
    let whole = fs::read(cache.folder.join("out")).unwrap();
    let before = names(&cache.folder);
    let told = bad(cache.build().env("FAIL", "1"), 1);
    assert!(told.contains("cargo could not build the program"), "{told}");
    assert!(told.contains("extern location does not exist"), "{told}");
    assert!(fs::read(cache.folder.join("out")).unwrap() == whole);
    assert_eq!(names(&cache.folder), before);
}
