//! What the compiler and clippy cannot say of the sources.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{generated::root, services};

/// A file passes so many lines only with a reason in its first comment (`Long because …`).
const MOST_LINES: usize = 600;

/// A Rust source file of the workspace.
pub(crate) struct Source {
    /// From the root of the workspace, with `/`.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

impl Source {
    /// Whether keys are made here.
    pub(crate) fn is_key_module(&self) -> bool {
        self.path.contains("/src/") && (self.path.ends_with("/keys.rs") || self.path.contains("/src/keys/"))
    }

    /// The module that the file is: `ofm::keys`.
    pub(crate) fn module(&self) -> String {
        let (folder, file) = self.path.split_once("/src/").expect("a library");
        let name = folder.rsplit('/').next().expect("a crate");
        let file = file.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
        format!("{name}::{file}")
    }

    /// The code, without comments, doc comments and unit tests.
    fn code(&self) -> impl Iterator<Item = &str> {
        let shipped = self.text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
        shipped.lines().filter(|line| !line.trim_start().starts_with("//"))
    }

    fn is_of(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }

    /// Whether the file is linked into a function or a tool, and not only into tests.
    fn is_shipped(&self) -> bool {
        !self.path.contains("/tests/") && !self.is_of(&["tests/", "shared/testkit/"])
    }
}

/// Every Rust source file of the workspace.
pub(crate) fn sources() -> impl Iterator<Item = Source> {
    let mut files = Vec::new();
    for folder in ["functions", "shared", "infra", "tests"] {
        collect(&root().join(folder), &mut files);
    }
    files.sort();
    files.into_iter().map(|file| {
        let path = file.strip_prefix(root()).expect("in the workspace").to_string_lossy().replace('\\', "/");
        Source { path, text: fs::read_to_string(&file).expect("a source") }
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn files_stay_short() {
    for source in sources() {
        let lines = source.text.lines().count();
        let reasoned = source
            .text
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .any(|line| line.contains("Long because"));
        assert!(lines <= MOST_LINES || reasoned, "{} has {lines} lines: it is two entities", source.path);
    }
}

/// No shipped line outside `allowed` holds `forbidden`.
fn only_in(forbidden: &str, allowed: impl Fn(&Source) -> bool, why: &str) {
    for source in sources().filter(|source| source.is_shipped() && !allowed(source)) {
        if let Some(line) = source.code().find(|line| line.contains(forbidden)) {
            panic!("{}: `{}`: {why}", source.path, line.trim());
        }
    }
}

#[test]
fn one_crate_knows_the_database() {
    for sdk in ["aws_sdk_dynamodb::", "aws_sdk_dynamodb}"] {
        only_in(
            sdk,
            |source| source.is_of(&["shared/store/", "infra/bench/", "infra/stack/"]),
            "ask `store` instead",
        );
    }
}

#[test]
fn one_crate_of_functions_knows_the_bucket() {
    let allowed = |source: &Source| source.is_of(&["shared/objects/", "infra/stack/"]);
    only_in("aws_sdk_s3", allowed, "ask `Ctx::objects` instead");
}

#[test]
fn keys_are_made_in_key_modules_alone() {
    let makers = ["Partition::of", "Key::new(", "Listing::new(", "Indexes::none()."];
    for maker in makers {
        let allowed = |source: &Source| source.is_key_module() || source.is_of(&["shared/store/"]);
        only_in(maker, allowed, "a key is made in a key module");
    }
    // A key put together by hand: text with a separator between two parts.
    only_in("}|{", |source| source.is_of(&["shared/store/"]), "a key is made of a `Partition`");
}

#[test]
fn an_org_is_taken_for_checked_where_callers_are_checked() {
    let allowed = |source: &Source| {
        source.is_of(&[
            "shared/store/",
            "shared/service/",
            "functions/operator/",
            "functions/referral/src/operator/",
            "functions/relay/",
            "infra/",
        ])
    };
    only_in("Org::checked", allowed, "only the caller check says that a caller belongs to an org");
}

#[test]
fn the_environment_is_read_at_the_start() {
    let allowed = |source: &Source| {
        source.path.ends_with("/main.rs")
            || source.path.ends_with("/build.rs")
            || source.is_of(&["infra/", "shared/service/src/lambda.rs"])
    };
    only_in("env::var", allowed, "configuration is read once, in `main`");
}

#[test]
fn functions_are_libraries_with_a_short_main() {
    for folder in fs::read_dir(root().join("functions")).expect("functions") {
        let folder = folder.expect("a function").path();
        assert!(folder.join("src/lib.rs").is_file(), "{} has no src/lib.rs", folder.display());
        assert!(folder.join("src/main.rs").is_file(), "{} has no src/main.rs", folder.display());
    }
}

#[test]
fn no_untagged_enum_is_read_by_a_derived_reader() {
    let mut met = 0;
    for source in sources().filter(Source::is_shipped) {
        let code: Vec<_> = source.code().collect();
        for (n, _) in code.iter().enumerate().filter(|(_, line)| line.contains("untagged")) {
            met += 1;
            // Its refusals are about variants, and not about what the field must be.
            let derived = n.checked_sub(1).map_or("", |before| code[before]);
            assert!(
                derived.contains("derive(") && !derived.contains("Deserialize"),
                "{}: read this by hand: {derived}",
                source.path
            );
        }
    }
    assert!(met >= 3, "{met} enums are untagged");
}

#[test]
fn every_path_is_one_route() {
    let mut seen = BTreeSet::new();
    for (service, route) in services::routes() {
        let call = (service.name, route.call.method, route.call.path);
        assert!(seen.insert(call), "{call:?} stands twice");
        assert!(route.call.method == "ACTION" || route.call.path.starts_with('/'), "{call:?}");
        assert!(!route.summary.is_empty() && !route.summary.ends_with('.'), "{call:?}: {}", route.summary);
    }
}

#[test]
fn every_service_stands_in_the_list() {
    let listed: BTreeSet<_> = services::ALL.iter().map(|service| service.name.to_owned()).collect();
    for source in
        sources().filter(|source| source.path.starts_with("functions/") && source.path.ends_with("/lib.rs"))
    {
        let name = source.path.split('/').nth(1).expect("a function").to_owned();
        let serves = source.code().any(|line| line.contains("static SERVICE"));
        assert_eq!(serves, listed.contains(&name), "functions/{name} and `services.rs` disagree");
    }
}
