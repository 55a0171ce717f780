use super::*;

#[test]
fn files_parse() {
    for file in &FILES {
        file.check().unwrap();
    }
    tag::check().unwrap();
}

#[test]
fn t() {
    for r in [
        "python:3.9.2-slim",
        "python:3.12-slim",
        "python",
        "python:3.12-alpine",
        "debian:stable-slim",
        "python:3.8",
    ] {
        let i = image(r, None).unwrap();
        eprintln!(
            "{r} {:?} {} {:?}",
            i.release.map(|r| (&r.distro, &r.release)),
            i.release_is_assumed,
            i.python
        );
    }
}
