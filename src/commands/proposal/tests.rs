//! What is shown of files in folders of their own.

use super::*;

const COMMAND: [&str; 2] = ["gunicorn", "app:app"];
const IMAGE: &str = "FROM python:3.12-slim-bookworm\nCOPY . .\nCMD [\"gunicorn\", \"app:app\"]\n";
const CONF: &str = "narenas:3,tcache:false";

fn two() -> Vec<(String, String)> {
    vec![("MALLOC_ARENA_MAX".to_owned(), "2".to_owned())]
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// What is printed, on standard output and beside it, without the folder's name; and how it ends.
fn told(folder: &Path, command: &[&str], setting: Setting<'_>) -> (String, String, Status) {
    let command: Vec<OsString> = command.iter().map(OsString::from).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = below(folder, &command, setting, Some(&mut out), &mut err).unwrap();
    let text = |bytes: Vec<u8>| {
        let here = format!("{}/", folder.display());
        let text = String::from_utf8(bytes).unwrap();
        let text = text.replace(&format!("a{here}"), "a/");
        text.replace(&format!("b{here}"), "b/").replace(&here, "")
    };
    (text(out), text(err), status)
}

/// Writes what is shown into the files.
fn apply(folder: &Path, setting: Setting<'_>) {
    let paths = [folder.to_path_buf()];
    let wanted = Wanted::of(&Selection::default(), &paths).unwrap();
    let disk = wanted.disk();
    let project = wanted.project(&disk);
    let words = COMMAND.map(OsString::from);
    let search = Search {
        command: &Command::of(&words, folder, &project),
        setting,
        wanted: &wanted,
    };
    let starting = search.look_below(&paths, &project).starting;
    for said in search.said(starting, &project) {
        if let Said::Change(changed) = said {
            std::fs::write(&changed.before.path, &changed.after.bytes).unwrap();
        }
    }
}

/// What becomes of one file where `MALLOC_ARENA_MAX=2` is best; asked again, it has it.
fn with_two(name: &str, text: &str) -> String {
    let folder = folder(&[(name, text)]);
    let variables = two();
    let setting = Setting::Variables(&variables);
    let (out, err, status) = told(folder.path(), &COMMAND, setting);
    let said = format!("malloclint: this change sets `MALLOC_ARENA_MAX=2` in {name}:\n");
    assert_eq!((err, status), (said, Status::Clean));
    assert!(
        out.starts_with(&format!("\n--- a/{name}\n+++ b/{name}\n")),
        "{out}"
    );
    let path = folder.path().join(name);
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        text,
        "it is shown alone"
    );
    apply(folder.path(), setting);
    let (out, err, _) = told(folder.path(), &COMMAND, setting);
    assert_eq!(out, "");
    let already = format!("malloclint: {name} has `MALLOC_ARENA_MAX=2` already\n");
    assert_eq!(err, already);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_variable_goes_into_an_image() {
    let after = with_two("Dockerfile", IMAGE);
    assert_eq!(after, IMAGE.replace("COPY", "ENV MALLOC_ARENA_MAX=2\nCOPY"));
    let other = IMAGE.replace("COPY", "ENV MALLOC_ARENA_MAX=4\nCOPY");
    assert_eq!(with_two("Dockerfile", &other), after);
    // The stage that builds starts nothing.
    let staged = format!("FROM python:3.12 AS build\nRUN make\n\n{IMAGE}");
    let after = staged.replace("bookworm\n", "bookworm\nENV MALLOC_ARENA_MAX=2\n");
    assert_eq!(with_two("Dockerfile", &staged), after);
}

#[test]
fn a_variable_goes_into_services_whatever_their_form() {
    let service = |more: &str| {
        format!(
            "services:\n  api:\n    image: registry.example/api:1\n    command: gunicorn app:app\n{more}"
        )
    };
    for (before, after) in [
        ("", "    environment:\n      MALLOC_ARENA_MAX: \"2\"\n"),
        (
            "    environment:\n      - LOG=1\n",
            "    environment:\n      - LOG=1\n      - MALLOC_ARENA_MAX=2\n",
        ),
        (
            "    environment:\n      LOG: \"1\"\n",
            "    environment:\n      LOG: \"1\"\n      MALLOC_ARENA_MAX: \"2\"\n",
        ),
        (
            "    environment:\n      - MALLOC_ARENA_MAX=4\n",
            "    environment:\n      - MALLOC_ARENA_MAX=2\n",
        ),
    ] {
        assert_eq!(with_two("compose.yaml", &service(before)), service(after));
    }
    // All services that start it.
    let second = service("").replace("services:\n  api", "  jobs");
    let both = format!("{}{second}", service(""));
    let after = with_two("compose.yaml", &both);
    assert_eq!(
        after.matches("MALLOC_ARENA_MAX: \"2\"").count(),
        2,
        "{after}"
    );
}

#[test]
fn a_variable_goes_into_containers() {
    let pod = |more: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  template:\n    spec:\n      containers:\n      - name: api\n        image: registry.example/api:1\n        command: [gunicorn, 'app:app']\n{more}"
        )
    };
    let two = "name: MALLOC_ARENA_MAX";
    for env in [
        "",
        "        env:\n        - name: LOG\n          value: \"1\"\n",
    ] {
        let after = with_two("deploy.yaml", &pod(env));
        assert!(
            after.starts_with(&pod("")) && after.contains(two),
            "{after}"
        );
        assert_eq!(after.matches("env:").count(), 1, "{after}");
    }
}

/// What a kustomization makes of a container starts the command: the file that describes it is changed, once.
#[test]
fn a_variable_goes_where_a_container_is_described() {
    let pod = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  template:\n    spec:\n      containers:\n      - name: api\n        image: registry.example/api:1\n        command: [gunicorn, 'app:app']\n";
    let folder = folder(&[
        ("base/deploy.yaml", pod),
        ("base/kustomization.yaml", "resources:\n- deploy.yaml\n"),
        ("a/kustomization.yaml", "resources:\n- ../base\n"),
        ("b/kustomization.yaml", "resources:\n- ../base\n"),
    ]);
    let variables = two();
    let setting = Setting::Variables(&variables);
    let (out, err, _) = told(folder.path(), &COMMAND, setting);
    assert_eq!(
        out.matches("+++ b/base/deploy.yaml").count(),
        1,
        "{out}{err}"
    );
    assert_eq!(out.matches("+++ ").count(), 1, "{out}");
    assert_eq!(out.matches("name: MALLOC_ARENA_MAX").count(), 1, "{out}");
    apply(folder.path(), setting);
    let (out, err, _) = told(folder.path(), &COMMAND, setting);
    let already = "malloclint: base/deploy.yaml has `MALLOC_ARENA_MAX=2` already\n";
    assert_eq!((out.as_str(), err.as_str()), ("", already));
}

/// What the image brings its containers have; what goes over it is changed, too.
#[test]
fn a_container_has_what_its_image_brings() {
    let compose = |env: &str| format!("services:\n  api:\n    build: .\n{env}");
    let variables = two();
    let setting = Setting::Variables(&variables);
    let plain = compose("");
    let with_image = folder(&[("Dockerfile", IMAGE), ("compose.yaml", &plain)]);
    let (out, err, _) = told(with_image.path(), &COMMAND, setting);
    assert_eq!(out.matches("+++ b/").count(), 1, "{out}");
    assert!(!err.contains("compose.yaml"), "{err}");
    let four = compose("    environment:\n      MALLOC_ARENA_MAX: \"4\"\n");
    let over = folder(&[("Dockerfile", IMAGE), ("compose.yaml", &four)]);
    let (out, ..) = told(over.path(), &COMMAND, setting);
    assert_eq!(out.matches("+++ b/").count(), 2, "{out}");
    assert!(out.contains("+      MALLOC_ARENA_MAX: \"2\"\n"), "{out}");
}

#[test]
fn jemalloc_comes_as_fix_brings_it() {
    let conf = format!("malloc-conf = \"{CONF}\"\n");
    let compose = "services:\n  api:\n    build: .\n";
    let folder = folder(&[
        ("malloclint.toml", &conf),
        ("Dockerfile", IMAGE),
        ("compose.yaml", compose),
    ]);
    let setting = Setting::Jemalloc(CONF);
    let (out, err, status) = told(folder.path(), &COMMAND, setting);
    assert_eq!(status, Status::Clean);
    let said = "malloclint: `malloclint fix --advice Dockerfile` would make this change:\n";
    assert_eq!(err, said);
    for line in [
        "libjemalloc2",
        "LD_PRELOAD=",
        &format!("MALLOC_CONF={CONF}"),
    ] {
        assert!(out.contains(line), "{out}");
    }
    apply(folder.path(), setting);
    let (out, err, _) = told(folder.path(), &COMMAND, setting);
    let has = |name: &str| format!("malloclint: {name} has `MALLOC_CONF={CONF}` already\n");
    assert_eq!(
        (out.as_str(), err),
        ("", has("Dockerfile") + &has("compose.yaml"))
    );
    // Measured anew: `fix` leaves what is set.
    let (out, err, _) = told(folder.path(), &COMMAND, Setting::Jemalloc("narenas:2"));
    let said = "malloclint: this change sets `MALLOC_CONF=narenas:2` in Dockerfile:\n";
    assert_eq!(err, said);
    let changed = out.lines().filter(|line| line.starts_with(['+', '-']));
    assert_eq!(changed.count(), 4, "{out}");
}

#[test]
fn what_cannot_be_changed_is_said_with_the_reason() {
    let variables = two();
    let (setting, jemalloc) = (Setting::Variables(&variables), Setting::Jemalloc(CONF));
    let unknown = IMAGE.replace("python:3.12-slim-bookworm", "registry.example/base:1");
    let strange = IMAGE.replace("COPY", "ENV LD_PRELOAD=/app/libown.so\nCOPY");
    let musl = IMAGE.replace("3.12-slim-bookworm", "3.12-alpine");
    let loaded = IMAGE.replace(
        "COPY",
        "RUN apt-get update && apt-get install -y libjemalloc2\nENV LD_PRELOAD=libjemalloc.so.2\nCOPY",
    );
    let mounted = "services:\n  api:\n    image: python:3.12\n    command: gunicorn app:app\n    volumes: ['.:/app']\n";
    let built = "services:\n  api:\n    build: .\n    command: gunicorn app:app\n";
    let bare = "FROM python:3.12-slim-bookworm\nCOPY . .\n";
    for (files, setting, why) in [
        (
            vec![("Dockerfile", unknown.as_str())],
            jemalloc,
            "malloclint does not know its base image",
        ),
        (
            vec![("Dockerfile", strange.as_str())],
            jemalloc,
            "only with `--unsafe`",
        ),
        (
            vec![("Dockerfile", musl.as_str())],
            jemalloc,
            "its C library is musl",
        ),
        (
            vec![("Dockerfile", musl.as_str())],
            setting,
            "glibc-tunable-dead",
        ),
        (
            vec![("Dockerfile", loaded.as_str())],
            setting,
            "glibc-tunable-dead",
        ),
        (vec![("Dockerfile.j2", IMAGE)], setting, "a template"),
        (
            vec![("compose.yaml", mounted)],
            setting,
            "the source is mounted",
        ),
        (
            vec![("compose.yaml", built), ("Dockerfile", bare)],
            jemalloc,
            "it is the image that must change",
        ),
    ] {
        let folder = folder(&files);
        let (out, err, status) = told(folder.path(), &COMMAND, setting);
        let name = files[0].0;
        let said = format!("malloclint: {name} starts `gunicorn app:app`, and is left as it is: ");
        assert!(err.starts_with(&said) && err.contains(why), "{name}: {err}");
        assert!(
            err.ends_with("put the recommended lines in by hand\n"),
            "{err}"
        );
        assert_eq!((out.as_str(), status), ("", Status::Clean), "{err}");
    }
}

#[test]
fn nothing_here_starts_it() {
    let chart =
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - command: {{ .Values.command }}\n";
    let folder = folder(&[("Dockerfile", IMAGE), ("templates/pod.yaml", chart)]);
    let variables = two();
    let command = ["gunicorn", "other:app"];
    let (out, err, status) = told(folder.path(), &command, Setting::Variables(&variables));
    assert_eq!((out.as_str(), status), ("", Status::Clean));
    let said = "malloclint: no Dockerfile, Compose file or manifest here starts `gunicorn other:app`: put the recommended lines into the one that does\n";
    assert!(err.ends_with(said), "{err}");
    assert!(
        err.starts_with("malloclint: templates/pod.yaml: not read, a Helm template"),
        "{err}"
    );
}

#[test]
fn a_file_that_cannot_be_read_keeps_no_other_back() {
    let folder = folder(&[("Dockerfile", IMAGE)]);
    let broken = folder.path().join("jobs");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join("Dockerfile"), IMAGE).unwrap();
    std::fs::write(broken.join("malloclint.toml"), "nonsense\n").unwrap();
    let variables = two();
    let (out, err, status) = told(folder.path(), &COMMAND, Setting::Variables(&variables));
    assert_eq!(status, Status::Trouble, "{err}");
    assert!(err.contains("malloclint: jobs/malloclint.toml"), "{err}");
    assert!(out.contains("+++ b/Dockerfile"), "{out}");
}

/// Who stops reading ends it without a word.
#[test]
fn a_pipe_that_closes_is_told_to_the_caller() {
    struct Closed;
    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let folder = folder(&[("Dockerfile", IMAGE)]);
    let variables = two();
    let setting = Setting::Variables(&variables);
    let words = COMMAND.map(OsString::from);
    let told = below(
        folder.path(),
        &words,
        setting,
        Some(&mut Closed),
        &mut Vec::new(),
    );
    assert_eq!(told.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}
