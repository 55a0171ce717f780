//! Git, by its own program.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a hook of git is told about its repository; ours is the one in the folder that is named.
const OF_A_HOOK: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// The top of the repository that a folder lies in.
///
/// # Errors
/// What git says where it lies in none.
pub(super) fn top(folder: &Path) -> Result<PathBuf, String> {
    let top = run(folder, &["rev-parse", "--show-toplevel"])?;
    // The name itself may end in a blank, or in a line end of its own.
    let top = top.strip_suffix(b"\n").unwrap_or(&top);
    let top = PathBuf::from(String::from_utf8_lossy(top).into_owned());
    top.canonicalize().map_err(|error| error.to_string())
}

/// The branch that others of the repository stand on, as far as git knows it here.
#[must_use]
pub(crate) fn default_branch() -> Option<String> {
    let short = |name: &str| {
        run(
            Path::new("."),
            &["symbolic-ref", "--quiet", "--short", name],
        )
    };
    let name = short("refs/remotes/origin/HEAD").or_else(|_| short("HEAD"));
    let name = String::from_utf8_lossy(&name.ok()?).trim().to_owned();
    let name = name.strip_prefix("origin/").unwrap_or(&name);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then(|| name.to_owned())
}

/// The commit that a revision names.
pub(super) fn commit(folder: &Path, revision: &str) -> Result<String, String> {
    let revision = format!("{revision}^{{commit}}");
    let verify = ["rev-parse", "--verify", "--quiet", "--end-of-options"];
    let commit = run(folder, &[verify.as_slice(), &[revision.as_str()]].concat())?;
    Ok(String::from_utf8_lossy(&commit).trim_end().to_owned())
}

/// One entry of a commit's tree.
pub(super) struct Entry {
    /// `100644`, `100755`, `120000` (a link), `160000` (another repository's commit).
    pub(super) mode: String,
    pub(super) object: String,
    /// In bytes, of a file or link.
    pub(super) size: Option<u64>,
    pub(super) path: PathBuf,
}

/// All files of a commit.
pub(super) fn tree(folder: &Path, commit: &str) -> Result<Vec<Entry>, String> {
    let listed = run(
        folder,
        &["ls-tree", "-r", "-z", "-l", "--full-tree", commit],
    )?;
    let entries = listed.split(|byte| *byte == 0);
    Ok(entries.filter_map(entry).collect())
}

/// `MODE TYPE OBJECT SIZE<tab>PATH`
fn entry(line: &[u8]) -> Option<Entry> {
    let mut halves = line.splitn(2, |byte| *byte == b'\t');
    let about = std::str::from_utf8(halves.next()?).ok()?;
    let path = PathBuf::from(String::from_utf8_lossy(halves.next()?).into_owned());
    let mut fields = about.split_ascii_whitespace();
    let mode = fields.next()?.to_owned();
    let object = fields.nth(1)?.to_owned();
    let size = fields.next()?.parse().ok();
    Some(Entry {
        mode,
        object,
        size,
        path,
    })
}

/// Gives the text of each object as it lies in the repository, without the filters of a checkout: `take` gets its number
/// among `objects`. One that is not here is left out.
pub(super) fn each_object(
    folder: &Path,
    objects: &[&str],
    take: &mut dyn FnMut(usize, &[u8]) -> io::Result<()>,
) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    let mut child = start(folder, &["cat-file", "--batch"])?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("git has no pipes".into());
    };
    let mut output = BufReader::new(output);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for object in objects {
                // One that reads nothing has ended: its exit code tells.
                let _ = writeln!(input, "{object}");
            }
        });
        let mut header = String::new();
        let mut bytes = Vec::new();
        for number in 0..objects.len() {
            header.clear();
            output.read_line(&mut header).map_err(text)?;
            let size = header.split_ascii_whitespace().nth(2);
            let Some(size) = size.and_then(|size| size.parse::<u64>().ok()) else {
                continue;
            };
            bytes.clear();
            let whole = size.saturating_add(1);
            output
                .by_ref()
                .take(whole)
                .read_to_end(&mut bytes)
                .map_err(text)?;
            bytes.pop();
            take(number, &bytes).map_err(text)?;
        }
        Ok::<(), String>(())
    })?;
    done(child).map(drop)
}

fn run(folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    done(start(folder, arguments)?)
}

fn start(folder: &Path, arguments: &[&str]) -> Result<Child, String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    for name in OF_A_HOOK {
        command.env_remove(name);
    }
    // What a partial clone has not fetched is not fetched by looking.
    command.env("GIT_NO_LAZY_FETCH", "1");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "`git` is needed for that, and is not installed".into(),
        _ => format!("git does not start: {error}"),
    })
}

fn done(child: Child) -> Result<Vec<u8>, String> {
    let done = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let first = said.lines().next().unwrap_or("it ended with an error");
    Err(format!("git: {first}"))
}
