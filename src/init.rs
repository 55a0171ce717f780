//! What `malloclint init` writes: a configuration, hooks for pre-commit and a workflow for GitHub Actions. What is there
//! already stays, comments included, and is not written twice.

mod hooks;

use std::sync::Arc;

use crate::surroundings::Surroundings;
use crate::text::SourceFile;

/// What becomes of one file.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The file as it is; empty where there is none.
    pub before: Arc<SourceFile>,
    /// The file as it should be.
    pub after: Arc<SourceFile>,
    /// Whether it is to be made.
    pub new: bool,
}

/// What was looked at and stays.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The file.
    pub path: String,
    /// Why.
    pub why: String,
}

const CONFIG: &str = include_str!("../templates/init/malloclint.toml");
const WORKFLOW: &str = include_str!("../templates/init/workflow.yaml");

/// What is to be written into a project, whose files `around` holds, and what stays. `configured` is the file that says what it
/// wants, where there is one.
pub(crate) fn plan(
    around: &dyn Surroundings,
    configured: Option<&str>,
    branch: Option<&str>,
) -> (Vec<Plan>, Vec<Kept>) {
    let files = Files { around };
    let (mut plans, mut kept) = (Vec::new(), Vec::new());
    for outcome in [
        files.config(configured),
        files.hooks(),
        files.workflow(branch.unwrap_or("main")),
    ] {
        match outcome {
            Ok(plan) => plans.push(plan),
            Err(why) => kept.push(why),
        }
    }
    (plans, kept)
}

struct Files<'a> {
    around: &'a dyn Surroundings,
}

impl Files<'_> {
    fn text(&self, path: &str) -> Option<String> {
        let bytes = self.around.peek(path)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn config(&self, configured: Option<&str>) -> Result<Plan, Kept> {
        match configured {
            Some(path) => Err(stays(path, "the configuration is there")),
            None => Ok(made("malloclint.toml", CONFIG)),
        }
    }

    fn hooks(&self) -> Result<Plan, Kept> {
        const NAMES: [&str; 2] = [".pre-commit-config.yaml", ".pre-commit-config.yml"];
        let found = NAMES
            .iter()
            .find_map(|path| Some((*path, self.text(path)?)));
        match found {
            None => {
                let [path, _] = NAMES;
                Ok(made(path, &hooks::whole()))
            }
            Some((path, text)) if mentions(&text) => Err(stays(path, "it has hooks of malloclint")),
            Some((path, text)) => match hooks::into(&text) {
                Ok(after) => Ok(Plan {
                    before: SourceFile::new(path, text.into_bytes()),
                    after: SourceFile::new(path, after.into_bytes()),
                    new: false,
                }),
                Err(why) => {
                    let entry = hooks::whole();
                    Err(stays(path, &format!("{why}. Add this to it:\n\n{entry}")))
                }
            },
        }
    }

    fn workflow(&self, branch: &str) -> Result<Plan, Kept> {
        let folder = ".github/workflows";
        for path in self.around.list(folder, 1) {
            if self.text(&path).is_some_and(|text| mentions(&text)) {
                return Err(stays(&path, "it runs malloclint"));
            }
        }
        if let (Some(_), None) = (
            self.text(".gitlab-ci.yml"),
            self.around.list(folder, 1).next(),
        ) {
            let why = format!(
                "the job to include is in {}/blob/v{}/packaging/gitlab-ci.yml",
                env!("CARGO_PKG_REPOSITORY"),
                env!("CARGO_PKG_VERSION")
            );
            return Err(stays(".gitlab-ci.yml", &why));
        }
        let text = filled(WORKFLOW).replace("{branch}", branch);
        Ok(made(&format!("{folder}/malloclint.yml"), &text))
    }
}

/// Whether a YAML text names malloclint, in more than a comment.
fn mentions(text: &str) -> bool {
    let plain = |line: &str| {
        let comment = line.match_indices('#').find(|(at, _)| {
            let before = line.get(..*at).unwrap_or_default();
            before.is_empty() || before.ends_with([' ', '\t'])
        });
        let end = comment.map_or(line.len(), |(at, _)| at);
        line.get(..end).unwrap_or_default().contains("malloclint")
    };
    text.lines().any(plain)
}

/// A template with the names of this version.
fn filled(template: &str) -> String {
    let repository = env!("CARGO_PKG_REPOSITORY");
    let mut parts = repository.rsplitn(3, '/');
    let (name, owner) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    template
        .replace("{repository}", repository)
        .replace("{owner}", &format!("{owner}/{name}"))
        .replace("{version}", env!("CARGO_PKG_VERSION"))
        .replace("{major}", env!("CARGO_PKG_VERSION_MAJOR"))
}

fn made(path: &str, text: &str) -> Plan {
    Plan {
        before: SourceFile::new(path, Vec::new()),
        after: SourceFile::new(path, text.as_bytes().to_vec()),
        new: true,
    }
}

fn stays(path: &str, why: &str) -> Kept {
    Kept {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}
