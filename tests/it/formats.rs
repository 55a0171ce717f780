//! Formats for programs: what must hold in each, whatever is found.

use serde_json::Value;

use crate::support::run::{FAULTY, folder, run};

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Findings with a path, a text and a message that every format has to spell in its own way.
const ODD: &str = "a b,c%:d/Dockerfile";

fn odd(format: &str) -> String {
    let folder = folder([(ODD, FAULTY)]);
    run(folder.path(), ["check", "--format", format, "."]).out
}

#[test]
fn paths_are_spelled_as_each_format_wants_it() {
    let sarif = json(&odd("sarif"));
    let location = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(
        location["artifactLocation"]["uri"],
        "a%20b%2Cc%25%3Ad/Dockerfile"
    );
    let github = odd("github");
    assert!(
        github.contains("file=a b%2Cc%25%3Ad/Dockerfile,line="),
        "{github}"
    );
    for (format, path) in [
        ("gitlab", "/0/location/path"),
        ("rdjson", "/diagnostics/0/location/path"),
    ] {
        let document = json(&odd(format));
        assert_eq!(document.pointer(path).unwrap(), ODD, "{format}");
    }
    assert!(odd("markdown").contains("<code>a b,c%:d/Dockerfile:"));
    let sonarqube = json(&odd("sonarqube"));
    let path = "/issues/0/primaryLocation/filePath";
    assert_eq!(sonarqube.pointer(path).unwrap(), ODD);
    let first = odd("ndjson");
    assert_eq!(json(first.lines().next().unwrap())["path"], ODD);
    assert!(odd("azure").contains(";sourcepath=a b,c%AZP25:d/Dockerfile;linenumber="));
    assert!(odd("checkstyle").contains("<file name=\"a b,c%:d/Dockerfile\">"));
    assert!(odd("junit").contains("<testsuite name=\"a b,c%:d/Dockerfile\" tests="));
}

#[test]
fn paths_are_those_of_the_repository() {
    let folder = folder([("services/api/Dockerfile", FAULTY)]);
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let inside = folder.path().join("services/api");
    let of = |format: &str| run(&inside, ["check", "--format", format, "."]).out;
    let own = "services/api/Dockerfile";
    let sarif = json(&of("sarif"));
    let result = &sarif["runs"][0]["results"][0];
    let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, own);
    assert_eq!(json(&of("gitlab"))[0]["location"]["path"], own);
    assert!(of("github").contains("file=services/api/Dockerfile,"));
    // reviewdog adds the folder itself; people see what they typed.
    let rdjson = json(&of("rdjson"));
    assert_eq!(rdjson["diagnostics"][0]["location"]["path"], "Dockerfile");
}

#[test]
fn a_fingerprint_stays_where_lines_move() {
    let prints = |text: &str| {
        let folder = folder([("Dockerfile", text)]);
        let out = run(folder.path(), ["check", "--format", "json", "."]).out;
        let found = json(&out);
        let found = found["findings"].as_array().unwrap().iter();
        found
            .map(|finding| finding["fingerprint"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let text = "FROM python:3.12-slim\nENV MALLOC_TRIM_THRESHOLD=1\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    let before = prints(text);
    assert_eq!(before.len(), 1);
    let moved = text
        .replace("ENV", "# why\n\nRUN true\nENV")
        .replace("3.12", "3.13");
    assert_eq!(prints(&moved), before);
    // The same fault twice is two, and another one is another.
    let twice = prints(&format!("{}{text}", text.replace("slim", "slim AS b")));
    assert_eq!(twice.len(), 2);
    assert!(before.iter().all(|print| twice.contains(print)));
    assert_ne!(prints(&text.replace("_TRIM_", "_TOP_PAD")), before);
}

#[test]
fn several_reports_in_one_run() {
    let folder = folder([("Dockerfile", FAULTY)]);
    let at = folder.path();
    let ran = run(
        at,
        [
            "check",
            "--format",
            "sarif=out.sarif",
            "--format",
            "markdown=sum.md",
            "--format",
            "concise",
            ".",
        ],
    );
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.starts_with("Dockerfile:"), "{}", ran.out);
    let sarif = std::fs::read_to_string(at.join("out.sarif")).unwrap();
    assert_eq!(json(&sarif)["version"], "2.1.0");
    let markdown = std::fs::read_to_string(at.join("sum.md")).unwrap();
    assert!(markdown.starts_with("### malloclint: "), "{markdown}");
    // A file that is there is replaced; standard output stays empty.
    let ran = run(
        at,
        [
            "check",
            "--format",
            "json",
            "--output-file",
            "out.sarif",
            ".",
        ],
    );
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert_eq!(
        json(&std::fs::read_to_string(at.join("out.sarif")).unwrap())["version"],
        1
    );
    // One that cannot be written is trouble, and the others are.
    let ran = run(
        at,
        [
            "check",
            "--format",
            "json=no/such/o.json",
            "--format",
            "concise",
            ".",
        ],
    );
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("no/such/o.json: cannot write"),
        "{}",
        ran.err
    );
    assert!(ran.out.starts_with("Dockerfile:"));
}

#[test]
fn exit_codes_are_the_same_in_all_formats() {
    let folder = folder([
        ("bad/Dockerfile", FAULTY),
        ("good/Dockerfile", "FROM scratch\n"),
    ]);
    for format in [
        "human", "concise", "json", "sarif", "github", "gitlab", "rdjson", "markdown",
    ] {
        let code = |extra: &[&str]| {
            let all = [&["check", "--format", format], extra].concat();
            run(folder.path(), all).code
        };
        assert_eq!(code(&["bad"]), Some(1), "{format}");
        assert_eq!(code(&["--exit-zero", "bad"]), Some(0), "{format}");
        assert_eq!(code(&["good"]), Some(0), "{format}");
        assert_eq!(
            code(&["--exit-zero", "missing", "bad"]),
            Some(2),
            "{format}"
        );
    }
}

#[test]
fn actions_get_annotations_where_nothing_is_said() {
    let folder = folder([("Dockerfile", FAULTY)]);
    let ran = |format: &[&str]| {
        let mut command = crate::support::run::program(folder.path());
        command
            .env("GITHUB_ACTIONS", "true")
            .arg("check")
            .args(format);
        crate::support::run::finish(&mut command, b"").out
    };
    assert!(ran(&[]).starts_with("::"), "{}", ran(&[]));
    assert!(ran(&["--format", "concise"]).starts_with("Dockerfile:"));
}

#[test]
fn only_safe_fixes_are_offered_to_programs_that_may_apply_them() {
    // A wrong preload of an image that starts nothing: what it would do is not known.
    let text = "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y libjemalloc2\nRUN export LD_PRELOAD=libjemalloc.so.2\n";
    let folder = folder([("Dockerfile", text)]);
    let of = |format: &str| json(&run(folder.path(), ["check", "--format", format, "."]).out);
    assert_eq!(of("json")["findings"][0]["fix"]["applicability"], "unsafe");
    assert!(of("sarif")["runs"][0]["results"][0].get("fixes").is_none());
    let suggestions = &of("rdjson")["diagnostics"][0]["suggestions"];
    assert_eq!(suggestions.as_array().unwrap().len(), 0);
}

#[test]
fn what_is_not_found_is_a_report_all_the_same() {
    let folder = folder([("Dockerfile", "FROM scratch\n")]);
    let of = |format: &str| run(folder.path(), ["check", "--format", format, "."]).out;
    assert_eq!(of("ndjson"), "");
    assert!(of("junit").contains("tests=\"1\" failures=\"0\""));
    assert!(of("checkstyle").ends_with("<checkstyle version=\"4.3\">\n</checkstyle>\n"));
    assert_eq!(
        json(&of("sonarqube")),
        serde_json::json!({"rules": [], "issues": []})
    );
    assert!(!of("azure").contains("##vso"));
}
