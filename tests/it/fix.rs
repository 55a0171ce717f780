//! `malloclint fix` against real files: what it writes, what it leaves, and what it does when the
//! disk, the file or somebody else is in its way.

mod fixtures;
mod shapes;
#[cfg(unix)]
mod trouble;

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::run::{finish, finish_raw, folder, program, run};

/// A service that lacks jemalloc.
const SERVICE: &str = "FROM python:3.12-slim-bookworm\nCOPY . .\nCMD [\"gunicorn\", \"--threads\", \"8\", \"app:app\"]\n";

/// The same, fixed.
const FIXED: &str = "FROM python:3.12-slim-bookworm
RUN apt-get update \\
    && apt-get install -y --no-install-recommends libjemalloc2 \\
    && rm -rf /var/lib/apt/lists/*
ENV LD_PRELOAD=libjemalloc.so.2 \\
    MALLOC_CONF=narenas:1,tcache_max:1024,tcache_nslots_small_max:8,oversize_threshold:262144,dirty_decay_ms:500,muzzy_decay_ms:0
COPY . .
CMD [\"gunicorn\", \"--threads\", \"8\", \"app:app\"]
";

const SUM: &str = "1 fixed in 1 file, 0 left\n";

fn text(folder: &Path, path: &str) -> String {
    fs::read_to_string(folder.join(path)).unwrap()
}

#[test]
fn a_folder_is_fixed_once() {
    let folder = folder([("api/Dockerfile", SERVICE), ("ok/Dockerfile", FIXED)]);
    let first = run(folder.path(), ["fix"]);
    let told = "api/Dockerfile: fixed allocator-unset: install, preload and configure jemalloc\n";
    assert_eq!((first.code, first.out), (Some(0), format!("{told}{SUM}")));
    assert_eq!(text(folder.path(), "api/Dockerfile"), FIXED);
    assert_eq!(text(folder.path(), "ok/Dockerfile"), FIXED);
    let again = run(folder.path(), ["fix"]);
    assert_eq!(again.out, "0 fixed in 0 files, 0 left\n");
    assert_eq!(text(folder.path(), "api/Dockerfile"), FIXED);
    assert_eq!(run(folder.path(), ["check"]).code, Some(0));
}

/// The comment ends the list of packages, until it is gone.
#[test]
fn what_was_tried_in_vain_is_tried_again_in_the_new_text() {
    let text = "FROM python:3.13-slim-trixie\nRUN apt-get install -y \\\n# malloclint: ignore[pythonmalloc-slow] measured\ntini\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:a\"]\n";
    let folder = folder([("Dockerfile", text)]);
    let first = run(folder.path(), ["fix"]);
    assert!(
        first.out.ends_with("2 fixed in 1 file, 0 left\n"),
        "{}",
        first.out
    );
    let again = run(folder.path(), ["fix"]);
    assert_eq!(again.out, "0 fixed in 0 files, 0 left\n");
}

/// Neither waits for the other: a comment that silences nothing, and a setting that waits for the image to be right.
#[test]
fn a_comment_and_a_setting_are_fixed_at_once() {
    let image = "FROM python:3.12-slim-bookworm\nRUN apt-get update && apt-get install -y libjemalloc2\nENV LD_PRELOAD=libjemalloc.so.2\n# malloclint: ignore[env-duplicate] because\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    let folder = folder([("Dockerfile", image)]);
    let ran = run(folder.path(), ["fix", "."]);
    assert!(ran.out.contains("2 fixed in 1 file, 0 left"), "{}", ran.out);
    assert!(text(folder.path(), "Dockerfile").contains("MALLOC_CONF="));
}

/// However many containers run one image, all are fixed in one run, though it is said of the first alone.
#[test]
fn many_containers_of_one_image() {
    let mut pod =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n".to_owned();
    for at in 0..30 {
        pod += &format!(
            "  - name: c{at}\n    image: elsewhere\n    command: [gunicorn, --threads, '8', a:b]\n"
        );
    }
    let at = folder([("pod.yaml", pod.as_str())]);
    let lines = |args: &[&str]| run(at.path(), args).out.lines().count();
    assert_eq!(lines(&["check", "--format", "concise", "."]), 1);
    let ran = run(at.path(), ["fix", "--advice", "--unsafe", "."]);
    assert!(
        ran.out.contains("30 fixed in 1 file, 0 left"),
        "{}",
        ran.err
    );
    assert_eq!(lines(&["check", "--format", "concise", "."]), 0);
    // What is silenced of the first is silenced of the image.
    let quiet = pod.replacen(
        "elsewhere",
        "elsewhere # malloclint: ignore[allocator-unset]",
        1,
    );
    let at = folder([("pod.yaml", quiet.as_str())]);
    let ran = run(at.path(), ["fix", "--advice", "--unsafe", "."]);
    assert!(ran.out.starts_with("0 fixed"), "{}", ran.out);
}

/// An entry without a value may end behind the last line.
#[test]
fn an_item_is_put_behind_a_key_of_its_own() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n    image: elsewhere\n    command: [gunicorn, --threads, '8', a:b]\n    env:\n    - name: A\n      ? value: 'x'\n";
    let at = folder([("pod.yaml", pod)]);
    run(at.path(), ["fix", "--advice", "--unsafe", "."]);
    let more = "    - name: MALLOC_ARENA_MAX\n      value: '2'\n";
    assert_eq!(
        text(at.path(), "pod.yaml").replace('"', "'"),
        format!("{pod}{more}")
    );
}

#[test]
fn a_diff_is_what_git_applies() {
    let before = SERVICE.replace('\n', "\r\n");
    let odd = SERVICE.trim_end();
    let folder = folder([("a b/Dockerfile", before.as_str()), ("c/Dockerfile", odd)]);
    let diff = run(folder.path(), ["fix", "--diff"]);
    assert_eq!(diff.code, Some(1), "{}", diff.err);
    assert_eq!(
        text(folder.path(), "c/Dockerfile"),
        odd,
        "`--diff` writes nothing"
    );
    let mut git = Command::new("git");
    git.args(["apply", "--whitespace=nowarn", "-"])
        .current_dir(folder.path());
    let applied = finish(&mut git, diff.out.as_bytes());
    assert_eq!(applied.code, Some(0), "{}\n{}", applied.err, diff.out);
    assert_eq!(
        text(folder.path(), "a b/Dockerfile"),
        FIXED.replace('\n', "\r\n")
    );
    assert_eq!(text(folder.path(), "c/Dockerfile"), FIXED.trim_end());
}

#[test]
fn a_diff_holds_bytes() {
    // A carriage return alone ends no line, and what is no UTF-8 goes through as it is.
    let odd = SERVICE.replace("CMD", "# a\rb\nCMD");
    let folder = folder([]);
    let path = folder.path().join("Dockerfile");
    let bytes = [odd.as_bytes(), b"# \xff\xfe\r\n# end\r"].concat();
    std::fs::write(&path, &bytes).unwrap();
    let mut dry = program(folder.path());
    let diff = dry.args(["fix", "--diff"]).output().unwrap();
    let mut git = Command::new("git");
    git.args(["apply", "--whitespace=nowarn"])
        .current_dir(folder.path());
    let ran = finish(&mut git, &diff.stdout);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let applied = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    let ran = run(folder.path(), ["fix"]);
    assert_eq!(ran.code, Some(0), "{} {}", ran.out, ran.err);
    assert_eq!(applied, std::fs::read(&path).unwrap());
    assert_ne!(applied, bytes);
}

#[test]
fn a_diff_holds_bytes_beside_what_changes() {
    let before = SERVICE.replace("COPY", "# caf\u{e9}\nCOPY").into_bytes();
    let latin1 = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.chars().map(|c| c as u8).collect::<Vec<u8>>()
    };
    let (before, after) = (
        latin1(&before),
        latin1(FIXED.replace("COPY", "# caf\u{e9}\nCOPY").as_bytes()),
    );
    let folder = folder([]);
    fs::write(folder.path().join("Dockerfile"), before).unwrap();
    let diff = finish_raw(program(folder.path()).args(["fix", "--diff"]), b"");
    let mut git = Command::new("git");
    git.args(["apply", "-"]).current_dir(folder.path());
    let applied = finish_raw(&mut git, &diff.out);
    assert_eq!(
        applied.code,
        Some(0),
        "{}",
        String::from_utf8_lossy(&applied.err)
    );
    assert_eq!(fs::read(folder.path().join("Dockerfile")).unwrap(), after);
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_plain_text_is_written_as_git_writes_it() {
    for name in [
        "a\nb",
        "a\tb",
        "a\u{1b}[31m",
        "a\"b",
        "a\\b",
        "\u{e9} \u{85}",
        "a\r",
    ] {
        let path = format!("{name}/Dockerfile");
        let folder = folder([(path.as_str(), SERVICE)]);
        let diff = run(folder.path(), ["fix", "--diff"]);
        assert_eq!(
            diff.out
                .lines()
                .filter(|line| line.starts_with("+++"))
                .count(),
            1
        );
        let mut git = Command::new("git");
        git.args(["apply", "-"]).current_dir(folder.path());
        let applied = finish(&mut git, diff.out.as_bytes());
        assert_eq!(applied.code, Some(0), "{}\n{}", applied.err, diff.out);
        assert_eq!(text(folder.path(), &path), FIXED);
    }
}

#[test]
fn check_writes_nothing_and_says_so_by_its_exit_code() {
    let folder = folder([("Dockerfile", SERVICE)]);
    let would = run(folder.path(), ["fix", "--check"]);
    assert_eq!(would.code, Some(1));
    assert!(
        would.out.ends_with("1 would be fixed in 1 file, 0 left\n"),
        "{}",
        would.out
    );
    assert_eq!(text(folder.path(), "Dockerfile"), SERVICE);
    run(folder.path(), ["fix"]);
    assert_eq!(run(folder.path(), ["fix", "--check"]).code, Some(0));
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = folder([]);
    let fixed = finish(
        program(folder.path()).args(["fix", "-"]),
        SERVICE.as_bytes(),
    );
    assert_eq!((fixed.code, fixed.out.as_str()), (Some(0), FIXED));
    assert!(
        fixed.err.starts_with("Dockerfile: fixed allocator-unset"),
        "{}",
        fixed.err
    );
    let same = finish(
        program(folder.path()).args(["fix", "-", "--quiet"]),
        FIXED.as_bytes(),
    );
    assert_eq!(
        (same.code, same.out.as_str(), same.err.as_str()),
        (Some(0), FIXED, "")
    );
}

#[test]
fn only_the_rules_named_and_only_what_is_safe() {
    let faulty = "FROM python:3.12-slim\nENV MALLOC_ARENA_MAX_=2 PYTHONMALLOC=nonsense\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:a\"]\n";
    let folder = folder([("Dockerfile", faulty)]);
    let only = run(folder.path(), ["fix", "--only", "pythonmalloc-invalid"]);
    assert_eq!(only.code, Some(1), "{}", only.out);
    assert!(
        only.out
            .contains("glibc-tunable-misspelt] nothing reads `MALLOC_ARENA_MAX_`: not asked for"),
        "{}",
        only.out
    );
    assert!(text(folder.path(), "Dockerfile").contains("ENV MALLOC_ARENA_MAX_=2\n"));
    let safe = run(folder.path(), ["fix"]);
    assert!(
        safe.out
            .contains("only with `--unsafe`: the setting takes effect for the first time"),
        "{}",
        safe.out
    );
    let all = run(folder.path(), ["fix", "--unsafe"]);
    assert_eq!(all.code, Some(0), "{}", all.out);
    assert!(text(folder.path(), "Dockerfile").contains("ENV MALLOC_ARENA_MAX=2\n"));
    let unknown = run(folder.path(), ["fix", "--only", "nonsense"]);
    assert_eq!(unknown.code, Some(2));
    assert_eq!(
        unknown.err,
        "malloclint: no rule is called `nonsense` (`malloclint rules` lists all)\n"
    );
}

#[test]
fn a_path_is_right_on_the_platform_or_on_all() {
    let pinned = SERVICE.replace("FROM ", "FROM --platform=linux/arm64 ");
    for (text, wanted) in [
        (
            SERVICE,
            "    && ln -s \"$(dpkg -L libjemalloc2 | grep '/libjemalloc\\.so\\.2$')\" /usr/local/lib/libjemalloc.so.2 \\\n",
        ),
        (
            SERVICE,
            "ENV LD_PRELOAD=/usr/local/lib/libjemalloc.so.2 \\\n",
        ),
        (
            pinned.as_str(),
            "ENV LD_PRELOAD=/usr/lib/aarch64-linux-gnu/libjemalloc.so.2 \\\n",
        ),
    ] {
        let folder = folder([]);
        let fixed = finish(
            program(folder.path()).args(["fix", "--preload", "path", "-"]),
            text.as_bytes(),
        );
        assert!(fixed.out.contains(wanted), "{}{}", fixed.out, fixed.err);
    }
}

/// A configuration counts for the files below it; one that cannot be used is an error for these alone.
#[test]
fn the_configuration_is_read() {
    let folder = folder([
        ("a/malloclint.toml", "preload = \"path\"\n"),
        ("a/Dockerfile", SERVICE),
        ("b/malloclint.toml", "preloda = \"path\"\n"),
        ("b/Dockerfile", SERVICE),
        ("b/c/Dockerfile", SERVICE),
        ("d/Dockerfile", SERVICE),
        ("e/malloclint.toml", "thread-hook = true\n"),
        ("e/Dockerfile", SERVICE),
        ("f/malloclint.toml", "goal = \"low-memory\"\n"),
        ("f/Dockerfile", SERVICE),
    ]);
    let fixed = run(folder.path(), ["fix"]);
    assert_eq!(fixed.code, Some(2));
    assert_eq!(
        fixed.err.matches("malloclint.toml").count(),
        1,
        "{}",
        fixed.err
    );
    assert!(
        fixed
            .err
            .contains("there is no key `preloda`: did you mean `preload`?"),
        "{}",
        fixed.err
    );
    assert!(
        text(folder.path(), "a/Dockerfile")
            .contains("ENV LD_PRELOAD=/usr/local/lib/libjemalloc.so.2")
    );
    let hooked = text(folder.path(), "e/Dockerfile");
    assert!(
        hooked.contains("\nRUN [\"python3\", \"-I\", \"/usr"),
        "{hooked}"
    );
    assert!(!hooked.contains("background_thread:true"), "{hooked}");
    assert_eq!(run(folder.path(), ["fix", "e"]).code, Some(0));
    assert_eq!(text(folder.path(), "e/Dockerfile"), hooked);
    assert!(text(folder.path(), "f/Dockerfile").contains("dirty_decay_ms:0,"));
    assert_eq!(text(folder.path(), "b/c/Dockerfile"), SERVICE);
    assert_eq!(text(folder.path(), "d/Dockerfile"), FIXED);
    assert_eq!(run(folder.path(), ["check", "b"]).code, Some(2));
    let asked = run(folder.path(), ["fix", "--preload", "soname", "a"]);
    assert_eq!(asked.code, Some(0), "{}", asked.out);
}

/// What is wanted decides about the profile, and so does what a container may use.
#[test]
fn the_profile_fits_the_goal() {
    let image = "FROM python:3.12-slim-bookworm\nRUN apt-get update && apt-get install -y libjemalloc2\nCMD [\"gunicorn\", \"--threads\", \"8\", \"app:app\"]\n";
    let compose =
        "services:\n  api:\n    build: .\n    environment:\n      LD_PRELOAD: libjemalloc.so.2\n";
    for (goal, wanted) in [
        (
            "balanced",
            "narenas:1,tcache_max:1024,tcache_nslots_small_max:8,oversize_threshold:262144,dirty_decay_ms:500,",
        ),
        (
            "low-memory",
            "narenas:1,tcache_max:4096,tcache_nslots_small_max:8,oversize_threshold:0,dirty_decay_ms:0,",
        ),
        ("throughput", "narenas:4,oversize_threshold:0"),
    ] {
        let folder = folder([("Dockerfile", image), ("compose.yaml", compose)]);
        let fixed = run(folder.path(), ["fix", "--goal", goal, "compose.yaml"]);
        let after = text(folder.path(), "compose.yaml");
        assert!(after.contains(wanted), "{goal}: {after}{}", fixed.out);
    }
}

/// Templates of other engines are never patched, whatever they look like.
#[test]
fn templates_are_left_alone() {
    let jinja = format!("{{% if slim %}}\n{SERVICE}{{% endif %}}\n");
    let folder = folder([
        ("Dockerfile", jinja.as_str()),
        ("Dockerfile.j2", SERVICE),
        ("ok/Dockerfile", SERVICE),
    ]);
    run(folder.path(), ["fix", "Dockerfile", "Dockerfile.j2", "ok"]);
    assert_eq!(text(folder.path(), "Dockerfile"), jinja);
    assert_eq!(text(folder.path(), "Dockerfile.j2"), SERVICE);
    assert_eq!(text(folder.path(), "ok/Dockerfile"), FIXED);
}

#[test]
fn nothing_to_fix_is_said() {
    let folder = folder([("README", "x")]);
    let empty = run(folder.path(), ["fix"]);
    assert_eq!(empty.code, Some(0));
    assert!(empty.out.contains("found no Dockerfile"), "{}", empty.out);
}
