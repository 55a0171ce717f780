//! `image check`: what is in force in images that were built, and what is refused of those that are not what they say.

mod apt;
mod elf;
mod layout;
mod patch;
mod push;
mod registry;
mod server;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::run::{Run, finish, folder, program, run_limited};
use layout::{Entry, INDEX, Layout, gzip, hex, layer, library, packed, zstd};

const RELEASE: &[u8] =
    b"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n";
const STATUS: &[u8] = b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\n\nPackage: libjemalloc2\nStatus: install ok installed\nVersion: 5.3.0-1\n";
const LIBC: &[u8] = b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\n";
const LIBRARY: &str = "usr/lib/x86_64-linux-gnu/libjemalloc.so.2";

/// Debian 12 with Python and jemalloc, as far as it is read.
fn base() -> Vec<u8> {
    let elf = library(62);
    layer(&[
        Entry::Symlink("lib", "usr/lib"),
        Entry::Symlink("etc/os-release", "../usr/lib/os-release"),
        Entry::File("usr/lib/os-release", RELEASE),
        Entry::File("var/lib/dpkg/status", STATUS),
        Entry::File("usr/lib/x86_64-linux-gnu/libc.so.6", &elf),
        Entry::File(LIBRARY, &elf),
        Entry::File("usr/bin/python3.11", &elf),
        Entry::Symlink("usr/bin/python3", "python3.11"),
        Entry::Device("dev/sda"),
    ])
}

fn config(preload: &str) -> Value {
    json!({
        "Env": ["PATH=/usr/bin:/bin", format!("LD_PRELOAD={preload}"), "MALLOC_CONF=narenas:4"],
        "Cmd": ["python3", "-m", "gunicorn", "app:app", "--threads", "8"],
    })
}

/// What `docker save` writes of an image that preloads this.
pub(crate) fn saved(preload: &str) -> Vec<u8> {
    saved_as(&base(), &config(preload))
}

/// An image that people have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Image {
    /// It preloads jemalloc.
    Jemalloc,
    /// It sets nothing.
    Plain,
    /// It stands on Alpine.
    Musl,
}

/// What `docker save` writes of it, and the variables that it sets.
pub(crate) fn saved_image(image: Image) -> (Vec<u8>, Value) {
    let elf = library(62);
    let debian = |status| {
        layer(&[
            Entry::Symlink("lib", "usr/lib"),
            Entry::File("usr/lib/os-release", RELEASE),
            Entry::File("var/lib/dpkg/status", status),
            Entry::File("usr/lib/x86_64-linux-gnu/libc.so.6", &elf),
            Entry::File("usr/bin/python3.11", &elf),
            Entry::Symlink("usr/bin/python3", "python3.11"),
        ])
    };
    let plain = json!({"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["python3", "-m", "gunicorn", "app:app", "--threads", "8"]});
    let preload = json!({"LD_PRELOAD": "libjemalloc.so.2", "MALLOC_CONF": "narenas:4"});
    match image {
        Image::Jemalloc => (saved("libjemalloc.so.2"), preload),
        Image::Plain => (saved_as(&debian(LIBC), &plain), json!({})),
        Image::Musl => {
            let alpine = layer(&[
                Entry::File("etc/os-release", b"ID=alpine\nVERSION_ID=3.20.1\n"),
                Entry::File("lib/ld-musl-x86_64.so.1", &elf),
                Entry::File("usr/bin/python3.12", &elf),
                Entry::Symlink("usr/bin/python3", "python3.12"),
            ]);
            (saved_as(&alpine, &plain), json!({}))
        }
    }
}

fn saved_as(base: &[u8], config: &Value) -> Vec<u8> {
    let folder = folder([]);
    fs::write(folder.path().join("layer.tar"), base).unwrap();
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": config,
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", layout::hex(base))]},
    });
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let manifest = json!([{"Config": "config.json", "RepoTags": null, "Layers": ["layer.tar"]}]);
    fs::write(folder.path().join("manifest.json"), manifest.to_string()).unwrap();
    packed(folder.path())
}

fn check(folder: &Path, arguments: &[&str]) -> Run {
    let fixed = ["image", "check", "--isolated", "--format", "concise"];
    run_limited(folder, fixed.iter().chain(arguments))
}

/// What is found in an image of these layers.
fn of_layers(preload: &str, layers: &[Vec<u8>]) -> Run {
    let folder = folder([]);
    let mut layout = Layout::at(&folder.path().join("app"));
    let image = layout.image("amd64", &config(preload), layers);
    layout.tag(image, "1");
    check(folder.path(), &["oci:app:1"])
}

fn is_fine(run: &Run) {
    assert_eq!(
        (run.out.as_str(), run.err.as_str(), run.code),
        ("", "", Some(0))
    );
}

fn has(run: &Run, rule: &str) {
    assert!(
        run.out.contains(rule),
        "{rule} is not in:\n{}{}",
        run.out,
        run.err
    );
}

#[test]
fn what_is_there_is_in_force_however_it_is_packed() {
    is_fine(&of_layers("libjemalloc.so.2", &[base()]));
    is_fine(&of_layers("libjemalloc.so.2", &[gzip(&base())]));
    is_fine(&of_layers("libjemalloc.so.2", &[zstd(&base())]));
    is_fine(&of_layers(
        "/lib/x86_64-linux-gnu/libjemalloc.so.2",
        &[base()],
    ));
    has(
        &of_layers("/usr/lib/x86_64-linux-gnu/libjemalloc.so.1", &[base()]),
        "[preload-wrong-soname]",
    );
    has(
        &of_layers("/usr/lib/aarch64-linux-gnu/libjemalloc.so.2", &[base()]),
        "[preload-wrong-arch]",
    );
    has(
        &of_layers("libmimalloc.so.2", &[base()]),
        "[preload-not-installed]",
    );
}

#[test]
fn layers_take_away_what_others_brought() {
    let of = |upper: &[Entry<'_>]| of_layers("libjemalloc.so.2", &[base(), layer(upper)]);
    let gone = "[preload-not-installed]";
    let whiteout = "usr/lib/x86_64-linux-gnu/.wh.libjemalloc.so.2";
    has(&of(&[Entry::File(whiteout, b"")]), gone);
    has(
        &of(&[Entry::File("usr/lib/.wh.x86_64-linux-gnu", b"")]),
        gone,
    );
    has(
        &of(&[Entry::File("usr/lib/x86_64-linux-gnu/.wh..wh..opq", b"")]),
        gone,
    );
    // A folder that becomes a file has nothing below it any more.
    has(&of(&[Entry::File("usr/lib/x86_64-linux-gnu", b"")]), gone);
    // Through a link of the layer below, as engines do it.
    has(
        &of(&[Entry::File(
            "lib/x86_64-linux-gnu/.wh.libjemalloc.so.2",
            b"",
        )]),
        gone,
    );
    // What the same layer brings again is there, wherever its whiteout stands.
    let elf = library(62);
    is_fine(&of(&[
        Entry::File(LIBRARY, &elf),
        Entry::File(whiteout, b""),
    ]));
    is_fine(&of(&[Entry::Folder("usr/lib/x86_64-linux-gnu")]));
    // Another name of a file is that file, also where the first one goes.
    let other = layer(&[Entry::Hardlink("usr/lib/libjemalloc.so.2", LIBRARY)]);
    let first = layer(&[Entry::File(whiteout, b"")]);
    is_fine(&of_layers("libjemalloc.so.2", &[base(), other, first]));
}

#[test]
fn links_lead_nowhere_but_into_the_image() {
    let around = layer(&[
        Entry::Symlink("a", "b"),
        Entry::Symlink("b", "a"),
        Entry::Symlink("etc/ld.so.preload", "../../../../../../etc/passwd"),
        Entry::Symlink("usr/lib/x86_64-linux-gnu/libjemalloc.so.2", "/a/x"),
    ]);
    has(
        &of_layers("libjemalloc.so.2", &[base(), around]),
        "[preload-not-installed]",
    );
    // An absolute link is one from the image's own top.
    let kept = layer(&[
        Entry::File("opt/j/libjemalloc.so.2", &library(62)),
        Entry::Symlink(
            "usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
            "/opt/j/libjemalloc.so.2",
        ),
    ]);
    is_fine(&of_layers("libjemalloc.so.2", &[base(), kept]));
}

/// What is found in an image of the base and these files, with that configuration.
fn of_files(config: &Value, files: &[Entry<'_>]) -> Run {
    let folder = folder([]);
    let mut layout = Layout::at(&folder.path().join("app"));
    let image = layout.image("amd64", config, &[base(), layer(files)]);
    layout.tag(image, "1");
    check(folder.path(), &["oci:app:1"])
}

fn unset(command: &[&str]) -> Value {
    json!({"Env": ["PATH=/usr/bin:/bin", "MALLOC_CONF=narenas:4"], "Cmd": command})
}

const SERVER: &[&str] = &["python3", "-m", "gunicorn", "app:app", "--threads", "8"];

#[test]
fn the_loader_finds_what_these_files_say() {
    let preload = |text: &'static [u8]| [Entry::File("etc/ld.so.preload", text)];
    is_fine(&of_files(
        &unset(SERVER),
        &preload(b"/usr/lib/x86_64-linux-gnu/libjemalloc.so.2\n"),
    ));
    is_fine(&of_files(
        &unset(SERVER),
        &preload(b"# ours\n\t/usr/lib/x86_64-linux-gnu/libjemalloc.so.2 # 5.3\n"),
    ));
    has(
        &of_files(
            &unset(SERVER),
            &preload(b"# /usr/lib/x86_64-linux-gnu/libjemalloc.so.2\n"),
        ),
        "[jemalloc-not-preloaded]",
    );
    has(
        &of_files(&unset(SERVER), &preload(b"/usr/lib/libjemalloc.so.2\n")),
        "/etc/ld.so.preload:1:1: error[preload-wrong-path]",
    );
    let elf = library(62);
    let by = |entry: &str, files: &[Entry<'_>]| of_files(&config(entry), files);
    is_fine(&by("/usr/$LIB/libjemalloc.so.2", &[]));
    is_fine(&by("//usr/lib/x86_64-linux-gnu/./libjemalloc.so.2", &[]));
    is_fine(&by("$ORIGIN/../lib/x86_64-linux-gnu/libjemalloc.so.2", &[]));
    is_fine(&by(
        "/opt/lib/libjemalloc.so.2",
        &[Entry::Symlink("opt/lib", "/usr/lib/x86_64-linux-gnu")],
    ));
    let elsewhere = |files: &[Entry<'_>]| {
        let gone = Entry::File("usr/lib/x86_64-linux-gnu/.wh.libjemalloc.so.2", b"");
        let own = Entry::File("opt/j/libjemalloc.so.2", &elf);
        let all: Vec<Entry<'_>> = [gone, own]
            .into_iter()
            .chain(files.iter().copied())
            .collect();
        by("libjemalloc.so.2", &all)
    };
    has(&elsewhere(&[]), "[preload-wrong-path]");
    is_fine(&elsewhere(&[
        Entry::File("etc/ld.so.conf", b"include /etc/extra/*.conf\n"),
        Entry::File("etc/extra/j.conf", b"/opt/j\n"),
    ]));
    // A link whose file has another name.
    is_fine(&by(
        "libjemalloc.so.2",
        &[
            Entry::File("opt/jem", &elf),
            Entry::Symlink(LIBRARY, "/opt/jem"),
        ],
    ));
    // One that is no library at all.
    has(
        &by("libjemalloc.so.2", &[Entry::File(LIBRARY, b"no library")]),
        "[preload-not-installed]",
    );
}

#[test]
fn a_part_that_is_not_there_is_no_way_to_its_neighbour() {
    let to = |entry: &str| of_files(&config(entry), &[Entry::Folder("opt/there")]);
    is_fine(&to(
        "/opt/there/../../usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
    ));
    has(
        &to("/opt/none/../../usr/lib/x86_64-linux-gnu/libjemalloc.so.2"),
        "[preload-wrong-path]",
    );
}

#[test]
fn a_folder_of_its_own_is_no_link_to_another() {
    let apart = layer(&[
        Entry::File("usr/lib/os-release", RELEASE),
        Entry::File("usr/lib/x86_64-linux-gnu/libc.so.6", &library(62)),
        Entry::File("lib/x86_64-linux-gnu/libm.so.6", &library(62)),
        Entry::File(LIBRARY, &library(62)),
        Entry::File("usr/bin/python3.11", &library(62)),
        Entry::Symlink("usr/bin/python3", "python3.11"),
    ]);
    let of = |preload: &str| of_layers(preload, std::slice::from_ref(&apart));
    is_fine(&of("/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"));
    has(
        &of("/lib/x86_64-linux-gnu/libjemalloc.so.2"),
        "[preload-wrong-path]",
    );
}

#[test]
fn capitals_name_another_file_and_an_empty_list_names_none() {
    has(
        &of_layers("LIBJEMALLOC.SO.2", &[base()]),
        "[preload-wrong-soname]",
    );
    let off = of_layers("", &[base()]);
    is_fine(&off);
    let named = of_files(
        &config("/opt/LIBJEMALLOC.SO.2"),
        &[Entry::File("opt/LIBJEMALLOC.SO.2", &library(62))],
    );
    is_fine(&named);
}

#[test]
fn an_empty_list_says_why_nothing_is_missed() {
    let folder = folder([]);
    let mut layout = Layout::at(&folder.path().join("app"));
    let image = layout.image("amd64", &config(""), &[base()]);
    layout.tag(image, "1");
    let run = run_limited(
        folder.path(),
        ["image", "check", "--show", "all", "oci:app:1"],
    );
    assert!(
        run.out.contains("is empty: nothing is preloaded"),
        "{}",
        run.out
    );
}

#[test]
fn the_folder_of_the_program_is_that_of_what_starts() {
    let elf = library(62);
    let origin = "$ORIGIN/../lib/x86_64-linux-gnu/libjemalloc.so.2";
    let started = |program: &str| {
        let mut told = config(origin);
        told["Cmd"] = json!([program, "-m", "gunicorn", "app:app", "--threads", "8"]);
        of_files(&told, &[Entry::File("opt/py/bin/python3.11", &elf)])
    };
    is_fine(&started("python3"));
    has(&started("/opt/py/bin/python3.11"), "[preload-wrong-path]");
}

#[test]
fn links_of_folders_are_ways_to_a_library() {
    let elf = library(62);
    let gone = Entry::File("usr/lib/x86_64-linux-gnu/.wh.libjemalloc.so.2", b"");
    let own = Entry::File("opt/je-5.3/lib/libjemalloc.so.2", &elf);
    let link = Entry::Symlink("opt/je", "current");
    let further = Entry::Symlink("opt/current", "/opt/je-5.3/");
    let conf = Entry::File("etc/ld.so.conf", b"/opt/je/lib\n");
    is_fine(&of_files(
        &config("libjemalloc.so.2"),
        &[gone, own, link, further, conf],
    ));
    let usr = Entry::Symlink("opt/usr", "/usr");
    is_fine(&of_files(&config("/opt/usr/$LIB/libjemalloc.so.2"), &[usr]));
    is_fine(&of_files(&config("/usr/bin/../$LIB/libjemalloc.so.2"), &[]));
    // A Dockerfile on the image names it as it likes.
    let project = folder([
        ("malloclint.toml", "[images]\nbase = \"oci:base:1\"\n"),
        (
            "Dockerfile",
            "FROM base\nENV LD_PRELOAD=/opt/je/lib/libjemalloc.so.2\n",
        ),
    ]);
    let mut layout = Layout::at(&project.path().join("base"));
    let told = config("libjemalloc.so.2");
    let image = layout.image(
        "amd64",
        &told,
        &[base(), layer(&[gone, own, link, further])],
    );
    layout.tag(image, "1");
    is_fine(&run_limited(
        project.path(),
        ["check", "--format", "concise", "Dockerfile"],
    ));
}

#[test]
fn what_follows_a_name_belongs_to_it() {
    for entry in [
        "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2/",
        "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2/.",
    ] {
        has(&of_layers(entry, &[base()]), "[preload-not-a-library]");
    }
    for entry in ["libjemalloc.so.2\r", "libjemalloc.so.2\n"] {
        has(&of_layers(entry, &[base()]), "[preload-malformed]");
    }
}

#[test]
fn the_file_of_musls_loader_takes_the_place_of_its_folders() {
    let elf = library(62);
    let root = |path: &'static [u8]| {
        layer(&[
            Entry::File("etc/os-release", b"ID=alpine\nVERSION_ID=3.20.3\n"),
            Entry::File("lib/ld-musl-x86_64.so.1", &elf),
            Entry::File("etc/ld-musl-x86_64.path", path),
            Entry::File("usr/lib/libjemalloc.so.2", &elf),
            Entry::File("usr/bin/python3.12", &elf),
            Entry::Symlink("usr/bin/python3", "python3.12"),
        ])
    };
    is_fine(&of_layers("libjemalloc.so.2", &[root(b"/lib:/usr/lib\n")]));
    has(
        &of_layers("libjemalloc.so.2", &[root(b"/opt/x\n")]),
        "[preload-wrong-path]",
    );
}

#[test]
fn entries_go_through_the_links_that_are_there() {
    let gone = "usr/lib/x86_64-linux-gnu/.wh.libjemalloc.so.2";
    let elf = library(62);
    let without = layer(&[Entry::File(gone, b"")]);
    let again = layer(&[
        Entry::Folder("lib/x86_64-linux-gnu"),
        Entry::File("lib/x86_64-linux-gnu/libjemalloc.so.2", &elf),
    ]);
    is_fine(&of_layers(
        "libjemalloc.so.2",
        &[base(), without.clone(), again],
    ));
    let linked = layer(&[
        Entry::Symlink("usr/j", "lib/x86_64-linux-gnu"),
        Entry::File("usr/j/libjemalloc.so.2", &elf),
    ]);
    is_fine(&of_layers("libjemalloc.so.2", &[base(), without, linked]));
    let opaque = layer(&[Entry::File("lib/x86_64-linux-gnu/.wh..wh..opq", b"")]);
    has(
        &of_layers("libjemalloc.so.2", &[base(), opaque]),
        "[preload-not-installed]",
    );
}

#[test]
fn scripts_of_scripts_are_read_whatever_they_are_called() {
    let start = |text: &'static [u8], other: &'static str| {
        of_files(
            &unset(&["/app/start.sh"]),
            &[
                Entry::File("app/start.sh", text),
                Entry::File(other, b"export LD_PRELOAD=libjemalloc.so.2\n"),
            ],
        )
    };
    let text = b"#!/bin/sh\n. /app/env.sh\nexec python3 -m gunicorn app:app --threads 8\n";
    is_fine(&start(text, "app/env.sh"));
    let text = b"#!/bin/sh\n. /app/env\nexec python3 -m gunicorn app:app --threads 8\n";
    is_fine(&start(text, "app/env"));
    has(&start(text, "app/other"), "[jemalloc-not-preloaded]");
}

#[test]
fn start_scripts_are_read_where_they_lie() {
    let folder = folder([]);
    let mut layout = Layout::at(&folder.path().join("app"));
    let script = layer(&[Entry::File(
        "start.sh",
        b"#!/bin/sh\nexport MALLOC_ARENA_MAX=2\nexec \"$@\"\n",
    )]);
    let mut config = config("libjemalloc.so.2");
    config["Entrypoint"] = json!(["/start.sh"]);
    let image = layout.image("amd64", &config, &[base(), script]);
    layout.tag(image, "1");
    let run = check(folder.path(), &["oci:app"]);
    let place = "oci:app!/start.sh:2:25: warning[glibc-tunable-dead]";
    assert!(run.out.starts_with(place), "{}{}", run.out, run.err);
}

#[test]
fn an_own_base_is_known_by_what_was_built() {
    let project = folder([
        (
            "malloclint.toml",
            "[images]\n\"registry.example/base\" = \"oci:base:1\"\n",
        ),
        ("Dockerfile", "FROM registry.example/base:7\nCOPY . /app\n"),
    ]);
    let at = project.path();
    let check = |text: &str| {
        fs::write(at.join("Dockerfile"), text).unwrap();
        run_limited(at, ["check", "--format", "concise", "Dockerfile"])
    };
    let mut layout = Layout::at(&at.join("base"));
    let image = layout.image("amd64", &config("libjemalloc.so.2"), &[base()]);
    layout.tag(image, "1");
    is_fine(&check("FROM registry.example/base:7\nCOPY . /app\n"));
    // What is set on it is judged by its files.
    has(
        &check("FROM registry.example/base:7\nENV LD_PRELOAD=/usr/lib/libjemalloc.so.2\n"),
        "[preload-wrong-path]",
    );
    has(
        &check("FROM registry.example/base:7\nENV LD_PRELOAD=libmimalloc.so.2\n"),
        "[preload-not-installed]",
    );
    // A start script of its own is in it, and not in this project.
    fs::write(
        at.join("start.sh"),
        "#!/bin/sh\nunset LD_PRELOAD\nexec \"$@\"\n",
    )
    .unwrap();
    let mut own = config("libjemalloc.so.2");
    own["Entrypoint"] = json!(["/start.sh"]);
    let mut layout = Layout::at(&at.join("base"));
    let image = layout.image(
        "amd64",
        &own,
        &[
            base(),
            layer(&[Entry::File("start.sh", b"#!/bin/sh\nexec \"$@\"\n")]),
        ],
    );
    layout.tag(image, "1");
    let run = check("FROM registry.example/base:7\n");
    assert!(!run.out.contains("start.sh"), "{}", run.out);
}

#[test]
fn a_base_whose_layers_are_damaged_is_told() {
    let project = folder([
        ("malloclint.toml", "[images]\nbase = \"oci:base:1\"\n"),
        ("Dockerfile", "FROM base\nCMD [\"python3\", \"a.py\"]\n"),
        (
            "Other.Dockerfile",
            "FROM python:3.12-slim\nENV LD_PRELOAD=libjemalloc.so\n",
        ),
    ]);
    let at = project.path();
    let mut layout = Layout::at(&at.join("base"));
    let image = layout.image("amd64", &config("libjemalloc.so.2"), &[base()]);
    layout.tag(image, "1");
    let blob = at.join("base/blobs/sha256").join(hex(&base()));
    let mut bytes = fs::read(&blob).unwrap();
    bytes[1000] ^= 1;
    fs::write(&blob, bytes).unwrap();
    let text = fs::read(at.join("Dockerfile")).unwrap();
    let stream = finish(program(at).args(["fix", "-"]), &text);
    assert_eq!(stream.code, Some(2), "{}", stream.err);
    assert!(
        stream.err.contains("/base:1: layer 1 of 1"),
        "{}",
        stream.err
    );
    for command in ["check", "fix", "units"] {
        let run = run_limited(at, [command, "."]);
        assert_eq!(run.code, Some(2), "{command}: {}", run.err);
        let told = run.err.matches("/base:1: layer 1 of 1").count();
        assert_eq!(told, 1, "{command}: {}", run.err);
        // What stands on others is judged all the same.
        let all = format!("{}{}", run.out, run.err);
        assert!(all.contains("Other.Dockerfile"), "{command}: {all}");
    }
}

#[test]
fn a_base_that_is_not_there_is_told() {
    let of = |source: &str| {
        let config = format!("[images]\nbase = \"{source}\"\n");
        let project = folder([
            ("malloclint.toml", config.as_str()),
            ("Dockerfile", "FROM base\n"),
        ]);
        run_limited(project.path(), ["check", "Dockerfile"])
    };
    let nowhere = of("oci:nowhere:1");
    assert_eq!(nowhere.code, Some(2), "{}", nowhere.err);
    assert!(
        nowhere.err.contains("`images`: `oci:nowhere:1`:"),
        "{}",
        nowhere.err
    );
    let out = of("oci:../../elsewhere:1");
    assert_eq!(out.code, Some(2), "{}", out.err);
    let remote = of("docker://registry.example/base");
    assert!(remote.err.contains("there is no file"), "{}", remote.err);
}

#[test]
fn each_platform_of_an_index_is_looked_at() {
    let folder = folder([]);
    let mut layout = Layout::at(&folder.path().join("app"));
    let preload = config("/usr/lib/x86_64-linux-gnu/libjemalloc.so.2");
    let of = |arch: &str, machine: u8| {
        let elf = library(machine);
        let triplet = if arch == "arm64" {
            "aarch64-linux-gnu"
        } else {
            "x86_64-linux-gnu"
        };
        let own = [
            Entry::File("usr/lib/os-release", RELEASE),
            Entry::File(&format!("usr/lib/{triplet}/libc.so.6"), &elf),
            Entry::File(&format!("usr/lib/{triplet}/libjemalloc.so.2"), &elf),
            Entry::File("usr/bin/python3.11", &elf),
            Entry::Symlink("usr/bin/python3", "python3.11"),
        ];
        let mut image = layout.image(arch, &preload, &[layer(&own)]);
        image["platform"] = json!({"os": "linux", "architecture": arch});
        image
    };
    let mut proof = layout.manifest(&json!({"schemaVersion": 2}));
    proof["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    proof["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [of("amd64", 62), of("arm64", 183), proof],
    });
    let index = layout.blob(index.to_string().as_bytes(), INDEX);
    layout.tag(index, "1");
    let run = check(folder.path(), &["oci:app:1"]);
    assert!(
        run.out.starts_with("oci:app:1 (linux/arm64):") && run.out.contains("[preload-wrong-arch]"),
        "{}{}",
        run.out,
        run.err
    );
    assert_eq!(run.out.lines().count(), 1, "{}", run.out);
    assert!(
        run.err.contains("(attestation-manifest) is no image"),
        "{}",
        run.err
    );
    is_fine(&check(
        folder.path(),
        &["--quiet", "--platform", "linux/amd64", "oci:app:1"],
    ));
    let other = check(folder.path(), &["--platform", "linux/s390x", "oci:app:1"]);
    assert_eq!(other.code, Some(2));
    assert!(
        other.err.contains("there are: linux/amd64, linux/arm64"),
        "{}",
        other.err
    );
}

#[test]
fn layers_of_windows_are_not_asked_for() {
    let folder = folder([]);
    let mut layout = Layout::at(&folder.path().join("app"));
    let absent = format!("sha256:{}", "1".repeat(64));
    let config = json!({
        "architecture": "amd64", "os": "windows", "config": config("libjemalloc.so.2"),
        "rootfs": {"type": "layers", "diff_ids": [absent]},
    });
    let kind = "application/vnd.oci.image.config.v1+json";
    let config = layout.blob(config.to_string().as_bytes(), kind);
    let layer = json!({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": absent, "size": 1_000_000_000});
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": [layer]});
    let image = layout.manifest(&manifest);
    layout.tag(image, "1");
    let run = run_limited(
        folder.path(),
        ["image", "check", "--show", "all", "oci:app:1"],
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.out.contains("Windows"), "{}", run.out);
}

#[test]
fn archives_are_read_as_they_are() {
    let folder = folder([]);
    let here = folder.path();
    let mut layout = Layout::at(&here.join("app"));
    let image = layout.image("amd64", &config("libjemalloc.so.2"), &[base()]);
    layout.tag(image, "1");
    fs::write(here.join("app.tar"), packed(&here.join("app"))).unwrap();
    is_fine(&check(here, &["oci-archive:app.tar:1"]));

    let saved = here.join("saved");
    fs::create_dir(&saved).unwrap();
    fs::write(saved.join("layer.tar"), base()).unwrap();
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": config("libjemalloc.so.2"),
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", layout::hex(&base()))]},
    });
    fs::write(saved.join("config.json"), config.to_string()).unwrap();
    let manifest = json!([{"Config": "config.json", "RepoTags": ["acme/app:1", "acme/app:latest"], "Layers": ["layer.tar"]}]);
    fs::write(saved.join("manifest.json"), manifest.to_string()).unwrap();
    fs::write(here.join("saved.tar"), packed(&saved)).unwrap();
    is_fine(&check(here, &["docker-archive:saved.tar"]));
    is_fine(&check(
        here,
        &["docker-archive:saved.tar:docker.io/acme/app:1"],
    ));
    is_fine(&check(here, &["docker-archive:saved.tar:acme/app"]));
    let other = check(here, &["docker-archive:saved.tar:acme/app:2"]);
    assert!(
        other
            .err
            .contains("is called `acme/app:2` (names: `acme/app:1`, `acme/app:latest`)"),
        "{}",
        other.err
    );

    // What is unpacked is held against what the configuration promises.
    fs::write(saved.join("layer.tar"), layer(&[])).unwrap();
    fs::write(here.join("saved.tar"), packed(&saved)).unwrap();
    refused(
        &check(here, &["docker-archive:saved.tar"]),
        "another digest",
    );
    fs::write(here.join("saved.tar.gz"), gzip(&packed(&saved))).unwrap();
    refused(
        &check(here, &["docker-archive:saved.tar.gz"]),
        "decompress it first",
    );
}

#[test]
fn what_of_an_index_is_no_image_or_not_here_stops_nothing() {
    let folder = folder([]);
    let mut layout = Layout::at(&folder.path().join("app"));
    let mut here = layout.image("amd64", &config("libjemalloc.so.2"), &[base()]);
    here["platform"] = json!({"os": "linux", "architecture": "amd64"});
    let mut gone = here.clone();
    gone["digest"] = json!(format!("sha256:{}", "1".repeat(64)));
    gone["platform"] = json!({"os": "linux", "architecture": "arm64", "variant": "v8"});
    let empty = layout.blob(b"{}", "application/vnd.oci.empty.v1+json");
    let artifact = layout.manifest(&json!({"schemaVersion": 2, "config": empty, "layers": []}));
    let index = json!({"schemaVersion": 2, "manifests": [here, gone, artifact]});
    let index = layout.blob(index.to_string().as_bytes(), INDEX);
    layout.tag(index, "1");
    let run = check(folder.path(), &["oci:app:1"]);
    assert_eq!((run.out.as_str(), run.code), ("", Some(0)), "{}", run.err);
    assert!(
        run.err
            .contains("(linux/arm64/v8, which is not stored here)"),
        "{}",
        run.err
    );
    assert!(
        run.err
            .contains("(of the type `application/vnd.oci.empty.v1+json`)"),
        "{}",
        run.err
    );
    let run = check(
        folder.path(),
        &["--quiet", "--platform", "linux/amd64/v1", "oci:app:1"],
    );
    is_fine(&run);
}

#[test]
fn a_library_of_32_bits_is_one_where_the_image_is() {
    let folder = folder([]);
    let mut layout = Layout::at(&folder.path().join("app"));
    let mut elf = vec![0; 52];
    elf[..8].copy_from_slice(b"\x7fELF\x01\x01\x01\0");
    (elf[16], elf[18], elf[20], elf[40]) = (3, 40, 1, 52);
    let files = [
        Entry::File("usr/lib/os-release", RELEASE),
        Entry::File("usr/lib/arm-linux-gnueabihf/libc.so.6", &elf),
        Entry::File("usr/lib/arm-linux-gnueabihf/libjemalloc.so.2", &elf),
        Entry::File("usr/bin/python3.11", &elf),
        Entry::Symlink("usr/bin/python3", "python3.11"),
    ];
    let image = layout.image("arm", &config("libjemalloc.so.2"), &[layer(&files)]);
    layout.tag(image, "1");
    is_fine(&check(folder.path(), &["oci:app:1"]));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let folder = folder([]);
    let pipe = |path: &str| {
        let made = std::process::Command::new("mkfifo")
            .arg(folder.path().join(path))
            .status();
        assert!(made.unwrap().success());
    };
    pipe("pipe");
    refused(
        &check(folder.path(), &["oci-archive:pipe"]),
        "it is not a plain file",
    );
    let mut layout = Layout::at(&folder.path().join("app"));
    let image = layout.image("amd64", &json!({}), &[base()]);
    let digest = image["digest"].as_str().unwrap().replace(':', "/");
    layout.tag(image, "1");
    let blob = format!("app/blobs/{digest}");
    fs::remove_file(folder.path().join(&blob)).unwrap();
    pipe(&blob);
    refused(
        &check(folder.path(), &["oci:app:1"]),
        "it is not a plain file",
    );
}

fn refused(run: &Run, why: &str) {
    assert_eq!(run.code, Some(2), "{}{}", run.out, run.err);
    assert!(run.err.contains(why), "`{why}` is not in: {}", run.err);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
}

#[test]
fn what_is_not_what_it_says_is_refused() {
    let of = |change: &dyn Fn(&mut Layout) -> Value| {
        let folder = folder([]);
        let mut layout = Layout::at(&folder.path().join("app"));
        let root = change(&mut layout);
        layout.tag(root, "1");
        check(folder.path(), &["oci:app:1"])
    };
    let with_layer = |bytes: &[u8]| {
        let bytes = bytes.to_vec();
        of(&move |layout| layout.image("amd64", &json!({}), std::slice::from_ref(&bytes)))
    };
    refused(
        &with_layer(&layer(&[Entry::File("../../etc/cron.d/x", b"x")])),
        "leads out of the image",
    );
    refused(
        &with_layer(b"no archive at all".repeat(40).as_slice()),
        "no archive of tar",
    );
    refused(&with_layer(&base()[..300]), "too early");
    refused(&with_layer(&gzip(&base())[..300]), "layer 1 of 1");
    refused(&with_layer(b"BZh91AY&SY"), "compressed as no layer is");
    let mut bent = base();
    bent[700] ^= 1;
    refused(&with_layer(&bent), "damaged");

    let lie = |field: &'static str, value: Value| {
        of(&move |layout: &mut Layout| {
            let mut image = layout.image("amd64", &json!({}), &[base()]);
            image[field] = value.clone();
            image
        })
    };
    refused(&lie("size", json!(7)), "size");
    refused(
        &lie("size", json!(1_u64 << 40)),
        "no manifest or configuration has more",
    );
    refused(
        &lie("digest", json!("sha256:../../../etc/passwd")),
        "no digest",
    );
    refused(
        &lie("digest", json!(format!("sha256:{}", "0".repeat(64)))),
        "is not there",
    );
    refused(
        &of(&|layout| layout.manifest(&json!({"schemaVersion": 1, "fsLayers": []}))),
        "version 1",
    );
    refused(
        &of(&|layout| {
            let inner = layout.image("amd64", &json!({}), &[]);
            let index =
                |child: &Value| json!({"schemaVersion": 2, "manifests": [child]}).to_string();
            let mut child = inner;
            for _ in 0..6 {
                child = layout.blob(index(&child).as_bytes(), INDEX);
            }
            child
        }),
        "not followed any further",
    );
    refused(
        &of(&|layout| layout.image("amd64", &json!({"Shell": "x"}), &[])),
        "the configuration: invalid type",
    );
    // What is passed over in zstd has to be there.
    refused(
        &with_layer(b"\x50\x2a\x4d\x18\xff\xff\xff\xffx"),
        "layer 1 of 1",
    );
    refused(
        &of(&|layout| {
            let config = layout.blob(b"{}", "application/vnd.cncf.helm.config.v1+json");
            layout.manifest(&json!({"schemaVersion": 2, "config": config, "layers": []}))
        }),
        "no image: its configuration is of the type",
    );
}

#[test]
fn a_wrong_reference_says_what_to_write() {
    let folder = folder([]);
    let at = folder.path();
    refused(
        &check(at, &["app:1"]),
        "write `docker://app:1` for one of a registry, or",
    );
    refused(&check(at, &["dir:app"]), "skopeo copy dir:app oci:DIR:TAG");
    refused(&check(at, &["oci:nowhere"]), "there is no such folder");
    refused(&check(at, &["oci-archive:nowhere.tar"]), "nowhere.tar");
    fs::create_dir(at.join("empty")).unwrap();
    refused(&check(at, &["oci:empty"]), "no index.json");
    refused(
        &check(at, &["docker-archive:empty"]),
        "it is not a plain file",
    );
    let mut layout = Layout::at(&at.join("app"));
    for tag in ["1", "2"] {
        let image = layout.image("amd64", &config("libjemalloc.so.2"), &[base()]);
        layout.tag(image, tag);
    }
    refused(
        &check(at, &["oci:app"]),
        "2 images are there: name one by its tag (tags: `1`, `2`)",
    );
    refused(&check(at, &["oci:app:3"]), "the tag `3` (tags: `1`, `2`)");
    // One that cannot be read does not stop the others.
    let both = check(at, &["oci:nowhere", "oci:app:1"]);
    refused(&both, "there is no such folder");
}

#[test]
fn whatever_a_layer_holds_is_read_to_its_end() {
    use malloclint::internals::image::layer as files;
    let mut random = crate::support::random::Random::new(25);
    let whole = base();
    assert_eq!(files(&whole), Some(8));
    for whole in [whole.clone(), gzip(&whole), zstd(&whole)] {
        for _ in 0..400 {
            let mut mutated = whole.clone();
            for _ in 0..[1, 3, 30][random.below(3)] {
                let at = random.below(mutated.len());
                mutated[at] =
                    [0, 0xff, b'0', b'9', b'/', b'.', random.below(256) as u8][random.below(7)];
            }
            // Headers whose sum is wrong are refused at once: it is made right again, where it is one.
            for block in mutated
                .chunks_exact_mut(512)
                .filter(|block| block[257..262] == *b"ustar")
            {
                block[148..156].fill(b' ');
                let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
                block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
            let begun = std::time::Instant::now();
            let _ = files(&mutated);
            assert!(begun.elapsed().as_secs() < 5);
        }
    }
}
