//! Files that appear, go or change what they link to: `ln`, `cp`, `mv`, `install`, `rm`, `setcap`,
//! `patchelf`, `ldconfig`.

use super::EffectKind;
use super::call::{Call, Walk};
use super::nested::fill;
use crate::shell::syntax::{Part, Word};

/// A command that lays files in place.
struct Placer {
    /// Short options that take a value.
    values: &'static [char],
    /// Long options whose value may stand in the next word.
    long: &'static [&'static str],
    link: bool,
    /// The source goes.
    moves: bool,
}

impl Placer {
    fn of(name: &str) -> Option<Self> {
        let (values, link, moves): (&[char], bool, bool) = match name {
            "ln" => (&['t', 'S'], true, false),
            "cp" => (&['t', 'S'], false, false),
            "mv" => (&['t', 'S'], false, true),
            "install" => (&['t', 'S', 'm', 'o', 'g'], false, false),
            _ => return None,
        };
        let long = &[
            "--target-directory",
            "--suffix",
            "--mode",
            "--owner",
            "--group",
        ];
        Some(Self {
            values,
            long,
            link,
            moves,
        })
    }
}

/// Operands and what the options say about them.
#[derive(Default)]
struct Operands {
    words: Vec<Word>,
    /// The folder of `-t`.
    folder: Option<Word>,
    /// `install -d`: folders are made, nothing is placed.
    folders_only: bool,
    /// `ln -s`, `cp -s`, `cp -l`.
    link: bool,
}

impl Walk<'_> {
    /// Reads a command that changes files; `false` if it is none. `fed` says that the operands come
    /// from a pipe, and what stands for them.
    pub(super) fn files(&mut self, call: &Call<'_>, fed: Option<&Option<String>>) -> bool {
        match call.name.as_str() {
            "ln" | "cp" | "mv" | "install" => self.place(call, fed),
            "rm" | "unlink" => {
                for path in operands(call) {
                    self.emit(call, EffectKind::Remove { path });
                }
            }
            "ldconfig" if !prints(call) => self.emit(call, EffectKind::Ldconfig),
            "setcap" => self.setcap(call),
            "patchelf" => self.patchelf(call),
            _ => return false,
        }
        true
    }

    fn place(&mut self, call: &Call<'_>, fed: Option<&Option<String>>) {
        let Some(placer) = Placer::of(&call.name) else {
            return;
        };
        let mut operands = placer.operands(call.arguments());
        if let Some(mark) = fed {
            self.feed(call, mark.as_deref(), &mut operands.words);
        }
        if operands.folders_only {
            return;
        }
        let to = match operands.folder.take() {
            Some(folder) => folder,
            None if operands.words.len() > 1 => operands.words.pop().unwrap_or_default(),
            None => {
                let at = operands
                    .words
                    .first()
                    .map_or(0..0, |word| word.range.clone());
                Word::plain("./", at)
            }
        };
        let link = placer.link || operands.link;
        for from in operands.words {
            let gone = placer.moves.then(|| from.clone());
            self.emit(
                call,
                EffectKind::Place {
                    from,
                    to: to.clone(),
                    link,
                },
            );
            if let Some(path) = gone {
                self.emit(call, EffectKind::Remove { path });
            }
        }
    }

    /// Puts what the pipe brings where `xargs` puts it, as a substitution of the command before.
    fn feed(&self, call: &Call<'_>, mark: Option<&str>, words: &mut Vec<Word>) {
        let before = call
            .index
            .checked_sub(1)
            .and_then(|index| self.script.commands.get(index));
        let text = before
            .and_then(|command| self.text.get(command.range.clone()))
            .unwrap_or_default();
        let part = Part::Command {
            text: text.to_owned(),
            range: call.range.clone(),
        };
        match mark {
            Some(mark) => {
                for word in words.iter_mut() {
                    *word = fill(word, mark, &part);
                }
            }
            None => words.push(Word {
                range: call.range.clone(),
                parts: vec![part],
            }),
        }
    }

    fn setcap(&mut self, call: &Call<'_>) {
        let operands = operands(call);
        let removes = call
            .arguments()
            .iter()
            .any(|word| word.literal().as_deref() == Some("-r"));
        if removes {
            return;
        }
        for file in operands.into_iter().skip(1).step_by(2) {
            self.emit(call, EffectKind::Setcap { file });
        }
    }

    fn patchelf(&mut self, call: &Call<'_>) {
        let mut words = call.arguments().iter();
        while let Some(word) = words.next() {
            if word.literal().as_deref() == Some("--add-needed")
                && let Some(library) = words.next()
            {
                self.emit(
                    call,
                    EffectKind::AddNeeded {
                        library: library.clone(),
                    },
                );
            }
        }
    }
}

impl Placer {
    fn operands(&self, arguments: &[Word]) -> Operands {
        let mut operands = Operands::default();
        let mut words = arguments.iter();
        let mut options = true;
        while let Some(word) = words.next() {
            let text = word.shown();
            if !options || !text.starts_with('-') || text.len() < 2 {
                operands.words.push(word.clone());
            } else if text == "--" {
                options = false;
            } else if let Some(long) = text.strip_prefix("--") {
                self.long(long, &text, &mut words, &mut operands);
            } else {
                self.short(word, &text, &mut words, &mut operands);
            }
        }
        operands
    }

    fn long<'w>(
        &self,
        long: &str,
        text: &str,
        words: &mut impl Iterator<Item = &'w Word>,
        operands: &mut Operands,
    ) {
        let name = long.split('=').next().unwrap_or_default();
        operands.folders_only |= name == "directory";
        operands.link |= matches!(name, "symbolic-link" | "link");
        if let Some(folder) = text.strip_prefix("--target-directory=") {
            operands.folder = Some(Word::plain(&folded(folder), 0..0));
        } else if self.long.contains(&text) {
            let value = words.next();
            if text == "--target-directory" {
                operands.folder = value.map(folder);
            }
        }
    }

    fn short<'w>(
        &self,
        word: &Word,
        text: &str,
        words: &mut impl Iterator<Item = &'w Word>,
        operands: &mut Operands,
    ) {
        let letters = text.get(1..).unwrap_or_default();
        for (at, letter) in letters.char_indices() {
            // `install -d` makes folders; `cp -s` and `cp -l` link.
            operands.folders_only |= letter == 'd' && self.values.contains(&'m');
            operands.link |= matches!(letter, 's' | 'l') && self.values.len() == 2 && !self.moves;
            if !self.values.contains(&letter) {
                continue;
            }
            let rest = letters.get(at + letter.len_utf8()..).unwrap_or_default();
            let value = if rest.is_empty() {
                words.next().map(folder)
            } else {
                Some(Word::plain(&folded(rest), word.range.clone()))
            };
            if letter == 't' {
                operands.folder = value;
            }
            return;
        }
    }
}

/// `ldconfig -p` shows the cache and changes nothing.
fn prints(call: &Call<'_>) -> bool {
    call.arguments().iter().any(|word| {
        matches!(
            word.shown().as_str(),
            "-p" | "--print-cache" | "-V" | "--version"
        )
    })
}

/// A folder's path, with the slash that says so.
fn folded(path: &str) -> String {
    if path.ends_with('/') {
        path.to_owned()
    } else {
        format!("{path}/")
    }
}

fn folder(word: &Word) -> Word {
    let mut folder = word.clone();
    if !word.shown().ends_with('/') {
        folder.parts.push(Part::Literal {
            text: "/".to_owned(),
            range: word.range.end..word.range.end,
            quoted: true,
        });
    }
    folder
}

/// The arguments that are no options.
fn operands(call: &Call<'_>) -> Vec<Word> {
    call.arguments()
        .iter()
        .filter(|word| !word.shown().starts_with('-'))
        .cloned()
        .collect()
}
