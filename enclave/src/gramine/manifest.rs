// SPDX-License-Identifier: Apache-2.0
//! Tests of the manifest under which the enclave runs, against what docs/operators.md and docs/security.md
//! promise of it. Gramine reads what `gramine-manifest` renders; here minijinja renders the same.

use minijinja::{context, Environment, UndefinedBehavior, Value as Rendered};
use toml::{Table, Value};

use crate::{command, config::production, server::ServerLimits};

const TEMPLATE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/gramine/tee-enclave.manifest.template"));
const MAKEFILE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/gramine/Makefile"));

const RUNTIME: &str = "/usr/lib/x86_64-linux-gnu/gramine/runtime/glibc";

const PROGRAM: &str = "tee-enclave";
const SIMULATED: &str = "tee-enclave-simulated";

fn render(program: &str) -> Table {
    let mut jinja = Environment::new();
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    let gramine = context! { runtimedir => Rendered::from_function(|| RUNTIME) };
    let text = jinja.render_str(TEMPLATE, context! { program, gramine }).unwrap();
    text.parse().unwrap()
}

fn at<'a>(manifest: &'a Table, path: &str) -> &'a Value {
    let mut names = path.split('.');
    let first = manifest.get(names.next().unwrap()).unwrap_or_else(|| panic!("no {path}"));
    names.fold(first, |value, name| value.get(name).unwrap_or_else(|| panic!("no {path}")))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// Where files are mounted, and from where.
fn mounts(manifest: &Table) -> Vec<(&str, &str)> {
    let mounts = at(manifest, "fs.mounts").as_array().unwrap().iter();
    let mounts = mounts.map(|mount| {
        let mount = mount.as_table().unwrap();
        // No other kinds of mounts, as encrypted ones would be.
        assert_eq!(mount.keys().collect::<Vec<_>>(), ["path", "uri"]);
        (mount["path"].as_str().unwrap(), mount["uri"].as_str().unwrap())
    });
    mounts.collect()
}

/// The names of all keys, of tables in tables and lists too.
fn keys(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                found.push(key.clone());
                keys(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => (),
    }
}

/// F47: the host had a say in arguments, and in more that was marked insecure.
#[test]
fn f47_no_insecure_option_and_nothing_of_the_host() {
    for program in [PROGRAM, SIMULATED] {
        let manifest = render(program);
        let mut found = Vec::new();
        keys(&Value::Table(manifest.clone()), &mut found);
        assert!(found.len() > 30);
        for key in found {
            for word in ["insecure", "passthrough", "experimental", "src_file", "allowed_ioctls"] {
                assert!(!key.contains(word), "{key}");
            }
        }
        let environment = at(&manifest, "loader.env").as_table().unwrap();
        let names: Vec<_> = environment.keys().map(String::as_str).collect();
        assert_eq!(names, ["LD_LIBRARY_PATH", "MALLOC_ARENA_MAX", "SSL_CERT_FILE"]);
        assert!(environment.values().all(Value::is_str));
        assert_eq!(at(&manifest, "loader.env.MALLOC_ARENA_MAX").as_str(), Some("1"));
    }
}

#[test]
fn the_program_for_sgx_gets_no_arguments() {
    let manifest = render(PROGRAM);
    assert_eq!(texts(at(&manifest, "loader.argv")), [PROGRAM]);
    assert_eq!(at(&manifest, "libos.entrypoint").as_str(), Some("/usr/bin/tee-enclave"));
}

/// The file that is read, the files that are believed, and the folder that is written are where the
/// program looks for them.
#[test]
fn only_the_data_folder_is_the_hosts() {
    for program in [PROGRAM, SIMULATED] {
        let manifest = render(program);
        assert_eq!(texts(at(&manifest, "sgx.allowed_files")), ["file:data/"]);
        let entrypoint = format!("/usr/bin/{program}");
        let uri = format!("file:{program}");
        let runtime = format!("file:{RUNTIME}");
        let expected = [
            ("/lib", runtime.as_str()),
            ("/usr/lib/tee-enclave/libgcc_s.so.1", "file:libgcc_s.so.1"),
            (&entrypoint, &uri),
            (production::CHAIN_SPEC, "file:chain-spec.json"),
            ("/etc/ssl/certs/ca-certificates.crt", "file:ca-certificates.crt"),
            (production::DATA_DIR, "file:data"),
        ];
        assert_eq!(mounts(&manifest), expected);
        // All that is mounted is trusted, but for the data folder.
        let trusted = texts(at(&manifest, "sgx.trusted_files"));
        for (path, uri) in expected {
            let is_trusted = trusted.iter().any(|file| file.trim_end_matches('/') == uri);
            assert_eq!(is_trusted, path != production::DATA_DIR, "{path}");
        }
        assert_eq!(trusted.len() + 1, expected.len());
        let env = |name| at(&manifest, &format!("loader.env.{name}")).as_str().unwrap();
        assert!(expected.iter().any(|(path, _)| *path == env("SSL_CERT_FILE")));
        assert_eq!(env("LD_LIBRARY_PATH"), "/lib:/usr/lib/tee-enclave");
    }
    assert!(production::CONFIG_FILE.starts_with(&format!("{}/", production::DATA_DIR)));
}

#[test]
fn the_enclave_is_for_production_and_proves_itself_by_dcap() {
    let manifest = render(PROGRAM);
    for (key, expected) in [
        ("sgx.debug", Value::from(false)),
        ("sgx.edmm_enable", false.into()),
        ("sgx.remote_attestation", "dcap".into()),
        ("sgx.file_check_policy", "strict".into()),
        ("loader.log_level", "error".into()),
        ("sys.disallow_subprocesses", true.into()),
        ("sgx.seal_key.flags_mask", "0xffffffffffffffff".into()),
        ("sgx.seal_key.xfrm_mask", "0xfffffffffff9ff1b".into()),
        ("sgx.seal_key.misc_mask", "0xffffffff".into()),
    ] {
        assert_eq!(at(&manifest, key), &expected, "{key}");
    }
    let sgx = at(&manifest, "sgx").as_table().unwrap();
    for forbidden in ["enable_stats", "profile", "vtune_profile", "preheat_enclave"] {
        assert!(!sgx.contains_key(forbidden));
    }
}

/// Gramine has helpers for IPC and for timers, and one for each pipe while it is made: its
/// documentation, "Number of threads".
#[test]
fn there_are_threads_and_descriptors_for_all_that_is_started() {
    const OF_GRAMINE: usize = 3;
    let manifest = render(PROGRAM);
    let number = |key| usize::try_from(at(&manifest, key).as_integer().unwrap()).unwrap();
    assert!(number("sgx.max_threads") >= 2 * (command::THREADS + OF_GRAMINE));
    // Each thread of Gramine's has a pipe of its own.
    let others = 512 + number("sgx.max_threads");
    assert!(number("sys.fds.limit") >= ServerLimits::default().connections + others);
}

#[test]
fn the_simulated_enclave_reads_the_same_files() {
    let manifest = render(SIMULATED);
    let expected = [
        SIMULATED.to_owned(),
        format!("--config={}", production::CONFIG_FILE),
        format!("--data-dir={}", production::DATA_DIR),
        format!("--chain-spec={}", production::CHAIN_SPEC),
    ];
    assert_eq!(texts(at(&manifest, "loader.argv")), expected);
    // Nothing else differs.
    let without = |program: &str| {
        let mut manifest = render(program);
        let loader = manifest["loader"].as_table_mut().unwrap();
        loader.remove("argv");
        // `tee-enclave` is also the name of folders.
        let named = |prefix| [format!("{prefix}{program}\""), format!("{prefix}PROGRAM\"")];
        let [[entrypoint, a], [uri, b]] = ["/usr/bin/", "file:"].map(named);
        toml::to_string(&manifest).unwrap().replace(&entrypoint, &a).replace(&uri, &b)
    };
    assert_eq!(without(PROGRAM), without(SIMULATED));
}

/// F46: a build depended on the day, and on what was newest then.
#[test]
fn f46_the_release_is_built_from_what_is_fixed() {
    for line in [
        "TOOLCHAIN := ",
        "export SOURCE_DATE_EPOCH = $(shell git -C $(REPOSITORY) log -1 --format=%ct)",
        "export CARGO_INCREMENTAL = 0",
        "export RUSTFLAGS = --remap-path-prefix=$(REPOSITORY)=/source",
        "BUILD := cargo build --locked --profile production",
        "build: toolchain ",
    ] {
        assert!(MAKEFILE.lines().any(|found| found.starts_with(line)), "{line}");
    }
    for word in ["curl", "wget", "rustup", "cargo update", "docker pull", "insecure"] {
        assert!(!MAKEFILE.contains(word), "{word}");
    }
    // Intel's service for EPID is gone, and so is what it was called by.
    for word in ["epid", "spid", "ra_client"] {
        assert!(!TEMPLATE.to_lowercase().contains(word), "{word}");
    }
}
