//! Mutants: number k of seed s is always the same one.

use std::collections::BTreeMap;

use malloclint::internals::fix::Options;
use malloclint::internals::project::Format;
use malloclint::internals::templates::Style;

use crate::seeds::Seed;
use crate::support::dockerfile_mutants;
use crate::support::random::Random;

/// No file of a mutant is larger, in bytes: what becomes of larger ones is held by tests of their own.
const LARGEST: usize = 64 << 10;

/// What may get into any file beside the instructions of [`dockerfile_mutants`].
const LINES: &[&str] = &[
    "# malloclint: ignore[allocator-unset] because",
    "# malloclint: ignore[preload-*,malloc-conf-unset] until=2020-01-01",
    "RUN <<EOF\napt-get install -y libjemalloc-dev\nEOF",
    "ENV MALLOC_ARENA_MAX_=2 \\\n  # why\n  PYTHONMALLOC=malloc",
    "ENTRYPOINT [\"/start.sh\"]",
    "SHELL [\"bash\", \"-lc\"]",
    "ONBUILD ENV LD_PRELOAD=libjemalloc.so.2",
    "COPY --from=0 /usr/lib/*/libjemalloc.so.2 /usr/lib/",
    "export LD_PRELOAD=/usr/lib/libjemalloc.so.2",
    "export MALLOC_CONF=narenas:2 A=$B",
    "exec gunicorn a:b \"$@\"",
];

/// Where changes hurt most.
const TENDER: &[&str] = &[
    "LD_PRELOAD",
    "MALLOC",
    "jemalloc",
    "install",
    "ENV ",
    "CMD ",
    "RUN ",
    "USER ",
    "FROM ",
    "env:",
    "environment:",
    "value:",
    "- name:",
    "command:",
];

/// What manifests and Compose files are made of, and what their readers trip over.
const YAML: &[&str] = &[
    ": ",
    "- ",
    "\n- ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "\"",
    "'",
    "|\n",
    "|-\n",
    ">+2\n",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "? ",
    "# c\n",
    "#",
    "\n---\n",
    "\n...\n",
    "%YAML 1.2\n",
    "\t",
    "  ",
    "\n",
    "\r\n",
    "~",
    "null",
    "0x10",
    "1e3",
    "on",
    "é",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "{{ .Values.a }}",
    "${A:-b}",
    "$(A)",
    "$$",
    "\n      env:\n      - name: LD_PRELOAD\n        value: libjemalloc.so.2\n",
    "- name: MALLOC_ARENA_MAX\n",
    "value: 2\n",
    "valueFrom: {fieldRef: {fieldPath: a}}\n",
    "environment:\n",
    "MALLOC_CONF: narenas:2\n",
    "- LD_PRELOAD=\"libjemalloc.so.1\"\n",
    "envFrom:\n- configMapRef: {name: a}\n",
    "command: [gunicorn, 'a:b']\n",
    "image: python:3.12-slim\n",
    "build: .\n",
    "initContainers: []\n",
    "volumes:\n- {name: a, emptyDir: {}}\n",
    "resources: {limits: {cpu: 500m, memory: 1Gi}}\n",
    "# malloclint: ignore[env-not-string]\n",
    "nodeSelector: {kubernetes.io/arch: arm64}\n",
    "services:\n",
    "apiVersion: v1\nkind: Pod\n",
    "containers:\n",
    "extends: a\n",
    "env_file: .env\n",
];

/// What shells and Python trip over.
const SCRIPT: &[&str] = &[
    "$(",
    ")",
    "`",
    "\"",
    "'",
    "$'",
    "${",
    "}",
    "; ",
    "\n",
    "\\",
    "\\\n",
    "|",
    "&&",
    "<<E\n",
    "E\n",
    "> ",
    "if ",
    "then ",
    "fi\n",
    "for x in ",
    "do ",
    "done\n",
    "case ",
    "esac\n",
    "((",
    "[[ ",
    "#",
    "f() {",
    "exec ",
    "export ",
    "LD_PRELOAD=",
    "MALLOC_CONF=",
    "sh -c ",
    "env -i ",
    "sudo ",
    "unset LD_PRELOAD\n",
    "export LD_PRELOAD=libjemalloc.so.2\n",
    "os.environ['LD_PRELOAD'] = ",
    "echo x >> /etc/ld.so.preload\n",
    "é",
    "\0",
    "\r\n",
];

const BYTES: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\xc3",
    b"\x80",
    b"\xef\xbb\xbf",
    b"\r",
    b"\x1b[31m",
    b"\t",
    b"\x0b",
    b"\x0c",
    b"\xe2\x80\xa8",
    b"\n",
    b" ",
    b"\\",
    b"\xf0\x9f",
    b"\x7f",
];

/// The image of `--inject`, where mutants have one.
pub(crate) const IMAGE: &str = "registry.example/jemalloc:1";

/// How a file came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Bytes,
    Tokens,
    Lines,
    Splice,
    Script,
    Growth,
    Ends,
}

/// How a mutant is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Plain,
    Unsafe,
    Hook,
    Inject,
}

impl Way {
    pub(crate) fn options(self) -> Options {
        Options {
            unsafe_too: self != Self::Plain,
            advice: true,
            inject: (self == Self::Inject).then(|| IMAGE.to_owned()),
            style: Style {
                thread_hook: self == Self::Hook,
                ..Style::default()
            },
            ..Options::default()
        }
    }

    /// The same for the program.
    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &["--advice"],
            Self::Unsafe => &["--advice", "--unsafe"],
            Self::Hook => &["--advice", "--unsafe", "--thread-hook"],
            Self::Inject => &["--advice", "--unsafe", "--inject", IMAGE],
        }
    }
}

/// A file, what lies around it, and how it came about.
#[derive(Clone)]
pub(crate) struct Mutant {
    pub(crate) number: u64,
    pub(crate) kind: Kind,
    pub(crate) format: Format,
    pub(crate) way: Way,
    /// The file that is checked, by its path below the mutant's own folder.
    pub(crate) main: String,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Mutant {
    /// The folder that holds its files.
    pub(crate) fn folder(&self) -> String {
        format!("m{}", self.number)
    }

    pub(crate) fn path(&self) -> String {
        format!("m{}/{}", self.number, self.main)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.files[&self.main]
    }
}

/// The mutant with that number.
pub(crate) fn mutant(seed: u64, number: u64, seeds: &[Seed]) -> Mutant {
    let mut random = Random::new(mixed(seed, number));
    let first = first(&mut random, seeds);
    let mut files = first.files.clone();
    let kind = match random.below(40) {
        0..8 => Kind::Bytes,
        8..20 => Kind::Tokens,
        20..28 => Kind::Lines,
        28..34 => Kind::Splice,
        34..37 => Kind::Script,
        37 => Kind::Growth,
        _ => Kind::Ends,
    };
    let beside: Vec<String> = files
        .keys()
        .filter(|name| **name != first.main)
        .cloned()
        .collect();
    let name = match kind {
        Kind::Script if !beside.is_empty() => random.pick(&beside).clone(),
        _ => first.main.clone(),
    };
    let mut text = files[&name].clone();
    for _ in 0..=random.below(4) {
        let other = like(&mut random, seeds, first.format);
        text = changed(&mut random, kind, &text, first, other);
        text.truncate(LARGEST);
    }
    files.insert(name, text);
    let way = match random.below(8) {
        0..5 => Way::Plain,
        5 => Way::Unsafe,
        6 if first.format == Format::Dockerfile => Way::Hook,
        6 => Way::Inject,
        _ => Way::Plain,
    };
    Mutant {
        number,
        kind,
        way,
        format: Format::of(&first.main, &files[&first.main]),
        main: first.main.clone(),
        files,
    }
}

/// A seed for the generator of numbers that is never 0, and differs in all bits from that of the next mutant (splitmix64).
fn mixed(seed: u64, number: u64) -> u64 {
    let start = seed
        .wrapping_mul(0xD129_0D3B_3A1B_5E15)
        .wrapping_add(number);
    let one = start.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let two = (one ^ (one >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let three = (two ^ (two >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (three ^ (three >> 31)) | 1
}

/// Half of them are Dockerfiles, a quarter each manifests and Compose files, of which there are fewer seeds.
fn first<'a>(random: &mut Random, seeds: &'a [Seed]) -> &'a Seed {
    let format = match random.below(4) {
        0 => Format::Kubernetes,
        1 => Format::Compose,
        _ => Format::Dockerfile,
    };
    like(random, seeds, format)
}

fn like<'a>(random: &mut Random, seeds: &'a [Seed], format: Format) -> &'a Seed {
    loop {
        let seed = random.pick(seeds);
        if seed.format == format {
            return seed;
        }
    }
}

fn changed(random: &mut Random, kind: Kind, text: &[u8], first: &Seed, other: &Seed) -> Vec<u8> {
    let foreign = &other.files[&other.main];
    match kind {
        Kind::Bytes => bytes(random, text),
        Kind::Tokens => tokens(random, text, first.format),
        Kind::Lines => lines(random, text, foreign),
        Kind::Splice => splice(random, text, foreign),
        Kind::Script => {
            let token = random.pick(SCRIPT).as_bytes();
            insert(random, text, token)
        }
        Kind::Growth => growth(random, text),
        Kind::Ends => ends(random, text),
    }
}

/// A place in the text: half of them are anywhere, half where it says something about allocators.
fn place(random: &mut Random, text: &[u8]) -> usize {
    let anywhere = random.below(text.len() + 1);
    if random.below(2) == 0 {
        return anywhere;
    }
    let word = random.pick(TENDER).as_bytes();
    let starts = text.windows(word.len()).enumerate();
    let starts: Vec<usize> = starts
        .filter(|(_, part)| *part == word)
        .map(|(at, _)| at)
        .collect();
    if starts.is_empty() {
        return anywhere;
    }
    let at = *random.pick(&starts) + random.below(word.len() + 30);
    at.min(text.len())
}

fn insert(random: &mut Random, text: &[u8], token: &[u8]) -> Vec<u8> {
    let at = place(random, text);
    let gone = random.below(4).min(text.len() - at);
    [&text[..at], token, &text[at + gone..]].concat()
}

fn bytes(random: &mut Random, text: &[u8]) -> Vec<u8> {
    let at = place(random, text);
    let to = (at + 1 + random.below(8)).min(text.len());
    let (before, part, after) = (&text[..at], &text[at..to], &text[to..]);
    match random.below(6) {
        0 => [before, after].concat(),
        1 => [before, part, part, after].concat(),
        2 => {
            let mut text = text.to_vec();
            if let Some(byte) = text.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
            text
        }
        3 if random.below(4) == 0 => before.to_vec(),
        _ => {
            let token = *random.pick(BYTES);
            insert(random, text, token)
        }
    }
}

fn tokens(random: &mut Random, text: &[u8], format: Format) -> Vec<u8> {
    if format == Format::Dockerfile {
        let tokens = dockerfile_mutants::TOKENS;
        let token = match random.below(4) {
            0 => format!("\n{}\n", line(random)),
            1 => (*random.pick(SCRIPT)).to_owned(),
            _ => (*random.pick(tokens)).to_owned(),
        };
        return insert(random, text, token.as_bytes());
    }
    let token = *random.pick(YAML);
    // At the depth of the line it is YAML more often.
    let at = place(random, text);
    let start = text[..at].iter().rposition(|byte| *byte == b'\n');
    let start = start.map_or(0, |end| end + 1);
    if random.below(2) == 0 {
        return insert(random, text, token.as_bytes());
    }
    let depth = text[start..]
        .iter()
        .take_while(|byte| **byte == b' ')
        .count();
    let blanks = &text[start..start + depth];
    [&text[..start], blanks, token.as_bytes(), &text[start..]].concat()
}

fn line(random: &mut Random) -> &'static str {
    match random.below(4) {
        0 => random.pick::<&str>(LINES),
        _ => random.pick::<&str>(dockerfile_mutants::LINES),
    }
}

fn pieces(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

fn lines(random: &mut Random, text: &[u8], foreign: &[u8]) -> Vec<u8> {
    let (mut own, foreign) = (pieces(text), pieces(foreign));
    if own.is_empty() || foreign.is_empty() {
        return text.to_vec();
    }
    let (at, to) = (random.below(own.len()), random.below(own.len()));
    match random.below(7) {
        0 => drop(own.remove(at)),
        1 => own.insert(to, own[at]),
        2 => own.swap(at, to),
        3 => own.truncate(at + 1),
        4 => {
            // Deeper or less deep: in YAML it is another parent's then.
            let deeper = [b"  ".as_slice(), own[at]].concat();
            let shallow = own[at].strip_prefix(b"  ").unwrap_or(own[at]).to_vec();
            let line = if random.below(2) == 0 {
                deeper
            } else {
                shallow
            };
            return [own[..at].concat(), line, own[at + 1..].concat()].concat();
        }
        5 => {
            let line = format!("{}\n", line(random));
            return [own[..at].concat(), line.into_bytes(), own[at..].concat()].concat();
        }
        _ => own.insert(to, random.pick::<&[u8]>(&foreign)),
    }
    own.concat()
}

/// The head of one and the tail of the other, cut between lines or anywhere.
fn splice(random: &mut Random, text: &[u8], foreign: &[u8]) -> Vec<u8> {
    let (own, others) = (pieces(text), pieces(foreign));
    if random.below(4) > 0 {
        let (to, from) = (random.below(own.len() + 1), random.below(others.len() + 1));
        return [own[..to].concat(), others[from..].concat()].concat();
    }
    let (to, from) = (
        random.below(text.len() + 1),
        random.below(foreign.len() + 1),
    );
    [&text[..to], &foreign[from..]].concat()
}

/// A part of it many times over.
fn growth(random: &mut Random, text: &[u8]) -> Vec<u8> {
    let own = pieces(text);
    let at = random.below(own.len());
    let part = if random.below(2) == 0 {
        let to = (at + 1 + random.below(3)).min(own.len());
        own[at.min(to)..to].concat()
    } else {
        let start = random.below(text.len() + 1);
        let to = (start + 1 + random.below(12)).min(text.len());
        text[start..to].to_vec()
    };
    let times = (1 + random.below(LARGEST / 4)) / part.len().max(1);
    let start = own[..at].concat().len();
    [&text[..start], &part.repeat(times), &text[start..]].concat()
}

fn ends(random: &mut Random, text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let made = match random.below(5) {
        0 => text.replace('\n', "\r\n"),
        1 => text.trim_end_matches('\n').to_owned(),
        2 => format!("\u{feff}{text}"),
        3 => format!("{text}\n\n \n"),
        _ => text.replacen('\n', "\r\n", 1 + random.below(4)),
    };
    made.into_bytes()
}
