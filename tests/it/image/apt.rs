//! `image patch` without a file: the package comes from where the image's own apt has it, and is held against its keys.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use pgp::composed::{ArmorOptions, CleartextSignedMessage, Deserializable as _, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails as _, Password, Timestamp};

use super::layout::{Entry, hex, layer};
use super::patch::{PATH, as_it_is, bare, deb, digest, patch, prepared, started};
use super::refused;
use super::server::{Answer, Asked, Server};
use crate::support::run::Run;

/// Made for these tests, in 2020, and for ever.
const SECRET: &str = include_str!("apt/archive.asc");
const RING: &str = "etc/apt/keyrings/own.asc";
const RELEASE: &str = "/debian/dists/bookworm/InRelease";
/// When the archive was signed, in seconds since 1970: in 2021.
const SIGNED: u32 = 1_612_345_678;

fn key() -> SignedSecretKey {
    SignedSecretKey::from_string(SECRET).unwrap().0
}

fn public() -> String {
    let key = key().to_public_key();
    key.to_armored_string(ArmorOptions::default()).unwrap()
}

fn fingerprint() -> String {
    format!("{:X}", key().fingerprint())
}

fn signed(text: &str) -> String {
    let key = key();
    let told = [
        SubpacketData::SignatureCreationTime(Timestamp::from_secs(SIGNED)),
        SubpacketData::IssuerFingerprint(key.fingerprint()),
    ];
    let mut config =
        SignatureConfig::v4(SignatureType::Text, key.algorithm(), HashAlgorithm::Sha512);
    config.hashed_subpackets = told.map(|one| Subpacket::regular(one).unwrap()).to_vec();
    let message =
        CleartextSignedMessage::new(text, config, &key.primary_key, &Password::empty()).unwrap();
    message.to_armored_string(ArmorOptions::default()).unwrap()
}

fn package() -> Vec<u8> {
    deb(62, "amd64", "libc6 (>= 2.34)", ("", as_it_is))
}

/// The files of an archive with one package, which is said to need this.
fn archive(needs: &str) -> BTreeMap<String, Vec<u8>> {
    let package = package();
    let index = format!(
        "Package: libjemalloc2\nVersion: 5.3.0-1\nArchitecture: amd64\nDepends: {needs}\nFilename: pool/j.deb\nSize: {}\nSHA256: {}\n",
        package.len(),
        hex(&package)
    );
    let release = format!(
        "Suite: oldstable\nCodename: bookworm\nDate: Wed, 03 Feb 2021 09:47:58 UTC\nSHA256:\n {} {} main/binary-amd64/Packages\n",
        hex(index.as_bytes()),
        index.len()
    );
    BTreeMap::from([
        (RELEASE.to_owned(), signed(&release).into_bytes()),
        (
            "/debian/dists/bookworm/main/binary-amd64/Packages".to_owned(),
            index.into_bytes(),
        ),
        ("/debian/pool/j.deb".to_owned(), package),
    ])
}

fn serving(files: BTreeMap<String, Vec<u8>>) -> Server {
    let files = Arc::new(files);
    Server::start(move |asked: &Asked| match files.get(&asked.path) {
        Some(bytes) => Answer::of(200).body(bytes.clone()),
        None => Answer::of(404),
    })
}

/// Patches an image that has these files beside its sources.
fn patched(sources: (&str, &str), files: &[(&str, &str)], more: &[&str]) -> Run {
    let folder = prepared(|layout| {
        let mut entries = vec![Entry::File(sources.0, sources.1.as_bytes())];
        let own = files
            .iter()
            .map(|(path, text)| Entry::File(path, text.as_bytes()));
        entries.extend(own);
        let apt = layer(&entries);
        let layers = [bare(62, "x86_64-linux-gnu"), apt];
        layout.image("amd64", &started(&[PATH]), &layers)
    });
    let at = folder.path();
    fs::write(at.join("j.deb"), package()).unwrap();
    let arguments = [&["oci:app:1", "-o", "oci:out:1"], more].concat();
    let run = patch(at, &arguments);
    assert_eq!(at.join("out").exists(), run.code == Some(0), "{}", run.err);
    run
}

const LIST: &str = "etc/apt/sources.list";

fn line(server: &Server, options: &str) -> String {
    format!(
        "deb {options} http://{}/debian bookworm main\n",
        server.host
    )
}

#[test]
fn the_images_own_apt_has_the_library() {
    let server = serving(archive("libc6 (>= 2.34)"));
    let ring = public();
    let ring = ring.as_str();
    let own = fingerprint();
    for (options, place) in [
        (format!("[signed-by=/{RING}]"), RING),
        (
            format!("[signed-by={own}]"),
            "etc/apt/trusted.gpg.d/own.asc",
        ),
        (String::new(), "etc/apt/trusted.gpg.d/own.asc"),
        ("[signed-by=/opt/a/key.asc]".into(), "opt/a/key.asc"),
    ] {
        let list = line(&server, &options);
        let run = patched((LIST, &list), &[(place, ring)], &[]);
        let named = patched((LIST, &list), &[(place, ring)], &["--deb=j.deb"]);
        assert_eq!(digest(&run), digest(&named), "{options}");
        assert!(run.err.contains(&format!("signed by {own}")), "{}", run.err);
    }
}

#[test]
fn stanzas_may_hold_the_key_itself() {
    let server = serving(archive("libc6"));
    let folded: String = public()
        .lines()
        .map(|line| format!(" {}\n", if line.is_empty() { "." } else { line }))
        .collect();
    let text = format!(
        "Types: deb\nURIs: http://{}/debian\nSuites: bookworm\nComponents: main\nSigned-By:\n{folded}\nTypes: deb\nURIs: cdrom:/x\nSuites: x\nComponents: main\n",
        server.host
    );
    let run = patched(("etc/apt/sources.list.d/a.sources", &text), &[], &[]);
    digest(&run);
    assert!(run.err.contains("`cdrom:/x x` is left out"), "{}", run.err);
}

#[test]
fn nobody_is_believed_whom_the_image_does_not_trust() {
    let server = serving(archive("libc6 (>= 2.34)"));
    let ring = public();
    let ring = ring.as_str();
    let other = "0".repeat(40);
    let usual = "etc/apt/trusted.gpg.d/own.asc";
    let beside = (
        "etc/apt/preferences.d/own",
        "Package: *\nPin: release n=sid\nPin-Priority: -1\n",
    );
    for (options, files, why) in [
        ("", vec![], "no key to verify it with is in the image"),
        ("[signed-by=/a.asc]", vec![(usual, ring)], "(/a.asc)"),
        (
            &format!("[signed-by={other}]"),
            vec![(usual, ring)],
            "is in no keyring",
        ),
        (
            "[signed-by=1234]",
            vec![(usual, ring)],
            "no whole fingerprint",
        ),
        ("[trusted=yes]", vec![(usual, ring)], "`trusted=yes`"),
        (
            "",
            vec![(usual, ring), beside],
            "/etc/apt/preferences.d/own pins versions",
        ),
        ("", vec![(usual, "x")], "no key to verify it with"),
    ] {
        let list = line(&server, options);
        refused(&patched((LIST, &list), &files, &["-q"]), why);
    }
}

#[test]
fn what_was_changed_or_does_not_fit_is_refused() {
    let ring = public();
    let files = [("etc/apt/trusted.gpg.d/own.asc", ring.as_str())];
    let changed = |path: &str, from: &str, to: &str| {
        let mut files = archive("libc6 (>= 2.34)");
        let bytes = files.get_mut(path).unwrap();
        *bytes = String::from_utf8_lossy(bytes)
            .replace(from, to)
            .into_bytes();
        files
    };
    let index = "/debian/dists/bookworm/main/binary-amd64/Packages";
    let mut gone = archive("libc6");
    gone.remove("/debian/pool/j.deb");
    for (files_of, why) in [
        (
            changed(RELEASE, "oldstable", "testing"),
            "does not fit its text",
        ),
        (
            changed(RELEASE, "-----BEGIN PGP SIGNED", "x\n-----BEGIN PGP SIGNED"),
            "in front",
        ),
        (changed(index, "5.3.0", "9.3.0"), "it is not what is signed"),
        (changed("/debian/pool/j.deb", "free", "evil"), "it "),
        (
            archive("libc6 (>= 2.40)"),
            "needs `libc6 (>= 2.40)`, which is not in the image",
        ),
        (gone, "the archive does not have it"),
        (BTreeMap::new(), "it has no InRelease"),
    ] {
        let server = serving(files_of);
        refused(&patched((LIST, &line(&server, "")), &files, &["-q"]), why);
    }
}

#[test]
fn without_sources_a_file_must_be_named() {
    let run = patched((LIST, "# none\n"), &[], &["-q"]);
    refused(
        &run,
        "its apt has no sources to fetch it from: name its package with `--deb FILE`",
    );
    let run = patched((LIST, "deb file:/srv/debian bookworm main\n"), &[], &["-q"]);
    refused(&run, "none of its sources of apt can be asked");
    refused(
        &patched((LIST, "x\n"), &[], &["-q"]),
        "/etc/apt/sources.list, line 1",
    );
}
