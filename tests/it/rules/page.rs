//! A rule page as a list of examples: cut out of the Markdown, run, and put back.

use malloclint::internals::finding::Finding;
use malloclint::internals::pages::{Fence, fences};
use malloclint::internals::project::Project;
use malloclint::internals::report::{self, Format, Run, Style};
use malloclint::internals::templates::Style as Spelling;
use malloclint::internals::text::SourceFile;
use malloclint::internals::{check, fix};

use crate::support::files::Files;

/// One page.
#[derive(Clone, Copy)]
pub(crate) struct Page<'p> {
    /// The rule it is about.
    pub(crate) id: &'p str,
    text: &'p str,
}

/// One example of a page.
pub(crate) struct Case<'p> {
    /// The line of its opening fence.
    pub(crate) line: usize,
    pub(crate) expected: Expected<'p>,
    /// What `fix` makes of it.
    pub(crate) fixed: Option<&'p str>,
    text: &'p str,
    /// What it stands in.
    name: &'static str,
    files: Files,
    /// A configuration beside it asks for the thread hook.
    hooked: bool,
}

/// What must come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected<'p> {
    Findings(&'p str),
    Silence,
}

/// What came out.
pub(crate) struct Got {
    /// In the format `concise`.
    pub(crate) printed: String,
    pub(crate) units: usize,
}

/// What `fix` made of an example.
pub(crate) struct Fixed {
    pub(crate) text: String,
    pub(crate) left: Vec<Finding>,
}

impl<'p> Page<'p> {
    pub(crate) const fn new(id: &'p str, text: &'p str) -> Self {
        Self { id, text }
    }

    /// Its examples, or what is wrong with its fences.
    pub(crate) fn cases(self) -> Result<Vec<Case<'p>>, String> {
        let mut cases = Vec::new();
        let mut files = Vec::new();
        let mut fences = fences(self.text).into_iter().peekable();
        while let Some(Fence { info, text, line }) = fences.next() {
            let (language, what) = info.split_once(' ').unwrap_or((info, ""));
            let name = name_of(language);
            let expected = match what {
                "silent" if name.is_some() => Expected::Silence,
                "example" if name.is_some() => {
                    match fences.next_if(|next| next.info == "text finding") {
                        Some(finding) => Expected::Findings(finding.text),
                        None => return Err(format!("line {line}: no `text finding` follows")),
                    }
                }
                _ => match info.split_once(' ') {
                    // Shown to the reader, not run.
                    None => continue,
                    Some((_, what)) => match what.strip_prefix("file=") {
                        Some(name) => {
                            files.push((name, text));
                            continue;
                        }
                        None => return Err(format!("line {line}: what is `{info}`?")),
                    },
                },
            };
            let fixed =
                fences.next_if(|next| next.info.split_once(' ') == Some((language, "fixed")));
            cases.push(Case {
                line,
                expected,
                fixed: fixed.map(|fence| fence.text),
                text,
                name: name.unwrap_or_default(),
                hooked: files.contains(&("malloclint.toml", "thread-hook = true\n")),
                files: Files::new(".", std::mem::take(&mut files)),
            });
        }
        if files.is_empty() {
            Ok(cases)
        } else {
            Err("a file stands beside no example".into())
        }
    }

    /// Its text with the findings that come out now.
    pub(crate) fn updated(self, cases: &[Case<'p>]) -> String {
        let mut text = String::new();
        let mut done = 0;
        for case in cases {
            let Expected::Findings(lines) = case.expected else {
                continue;
            };
            let fixed = case.fixed.map(|fixed| (fixed, case.fix(self.id).text));
            for (old, new) in std::iter::once((lines, case.run().printed)).chain(fixed) {
                // Each is a part of the page: how far in is told by where it lies.
                let start = old.as_ptr() as usize - self.text.as_ptr() as usize;
                text.push_str(&self.text[done..start]);
                text.push_str(&new);
                done = start + old.len();
            }
        }
        text + &self.text[done..]
    }
}

impl Case<'_> {
    /// What the tool says of a text that stands where the example does.
    pub(crate) fn check(&self, text: &str) -> check::Checked {
        let file = SourceFile::new(self.name, text.as_bytes().to_vec());
        check::check(&file, &Project::of(&self.files), self.spelling())
    }

    /// How the configuration beside the example wants changes.
    fn spelling(&self) -> Spelling {
        Spelling {
            thread_hook: self.hooked,
            ..Spelling::default()
        }
    }

    /// The example after `fix --unsafe --only RULE`.
    pub(crate) fn fix(&self, rule: &str) -> Fixed {
        self.fix_text(self.text, &[rule.to_owned()])
    }

    /// A text that stands where the example does, after `fix --unsafe`, of the rules named or of all.
    pub(crate) fn fix_text(&self, text: &str, only: &[String]) -> Fixed {
        let options = fix::Options {
            unsafe_too: true,
            only: only.to_vec(),
            style: self.spelling(),
            ..fix::Options::default()
        };
        let file = SourceFile::new(self.name, text.as_bytes().to_vec());
        let fixed = fix::fix(&file, &Project::of(&self.files), &options);
        Fixed {
            text: String::from_utf8(fixed.after.bytes.clone()).unwrap(),
            left: fixed.left.into_iter().map(|left| left.finding).collect(),
        }
    }

    /// The example's text.
    pub(crate) const fn text(&self) -> &str {
        self.text
    }

    /// Checks the example as if it stood alone in a folder, with its own files beside it.
    pub(crate) fn run(&self) -> Got {
        let checked = self.check(self.text);
        let mut run = Run::default();
        run.findings = checked.findings;
        run.files = 1;
        let style = Style {
            colour: false,
            unicode: false,
            width: 80,
        };
        let mut out = Vec::new();
        report::write(&run, Format::Concise, style, &mut out).unwrap();
        Got {
            printed: String::from_utf8(out).unwrap(),
            units: checked.units.len(),
        }
    }
}

/// The file that an example in that language stands in.
fn name_of(language: &str) -> Option<&'static str> {
    match language {
        "dockerfile" => Some("Dockerfile"),
        "kubernetes" => Some("deployment.yaml"),
        "compose" => Some("compose.yaml"),
        _ => None,
    }
}
