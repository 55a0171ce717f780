//! Strings for `MALLOC_CONF`: right ones, broken ones, and those at the limits. The same on every run.

use malloclint::internals::facts::{OptionKind, jemalloc_options};

/// Marsaglia's xorshift64*.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`, or 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap() % bound.max(1)
    }

    fn pick<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.below(choice.len())]
    }

    /// Once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// What stands between settings, and what should not.
const SEPARATORS: &[&str] = &[
    ",", ",", ",", ",", ",", ",", ",", ",", ",", ",", ",", ",", ", ", " ,", ",,", ";", " ", "|",
    "\n", ",\n", ",\t", "",
];

/// What stands between a name and its value, and what should not.
const COLONS: &[&str] = &[
    ":", ":", ":", ":", ":", ":", ":", ":", ":", ":", ":", ":", "=", ": ", " :", "::", "",
];

const WORDS: &[&str] = &[
    "true",
    "false",
    "True",
    "TRUE",
    "1",
    "0",
    "yes",
    "on",
    "off",
    "t",
    "tru",
    "truee",
    " true",
    "true ",
    "default",
    "disabled",
    "auto",
    "always",
    "never",
    "primary",
    "secondary",
    "percpu",
    "phycpu",
    "alloc",
    "free",
    "abort",
    "high",
    "none",
    "eager",
    "lazy",
    "decay",
    "d",
    "a",
    "p",
    "al",
    "alw",
    "",
    "é",
    "\u{201c}true\u{201d}",
    "\"true\"",
    "J",
    "gmdablxhe",
    "qz",
];

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "-2",
    "-16",
    "-17",
    "16",
    "17",
    "63",
    "64",
    "65",
    "255",
    "256",
    "1000",
    "1023",
    "1024",
    "2048",
    "2049",
    "4095",
    "4096",
    "4097",
    "8192",
    "16384",
    "32768",
    "65536",
    "65537",
    "524288",
    "2097152",
    "2097153",
    "8388608",
    "8388609",
    "9000000000",
    "4294967295",
    "4294967296",
    "18446744072000",
    "18446744072001",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
    "8070450532247928832",
    "8070450532247928833",
    "010",
    "08",
    "09",
    "00",
    "0x10",
    "0X1f",
    "0x",
    "0xg",
    "+5",
    "-+5",
    "- 5",
    " 5",
    "\t5",
    "5 ",
    "5.5",
    "1e3",
    "10s",
    "10ms",
    "1M",
    "1k",
    "1_000",
    "",
    "-",
    "+",
    " ",
    "0-",
    "٣",
];

const RATIOS: &[&str] = &[
    "0",
    "1",
    "0.5",
    ".5",
    "5.",
    "1.0",
    "1.00001",
    "1.0000001",
    "0.99999999999999999999",
    "65535",
    "65536",
    "65535.99",
    "-1",
    "-0.5",
    "0x1",
    "1e3",
    "",
    ".",
    "..",
    "1.2.3",
    " 1",
    "1 ",
    "00.5",
    "000000000000001",
    "2",
    "1.000015",
    "1.000016",
    "a",
];

const SIZES: &[&str] = &[
    "1-64:4",
    "1-64:4|65-128:2",
    "1-64:0",
    "1-64:64",
    "1-64:65",
    "1-64",
    "1:4",
    "64-1:4",
    "1-64:4|",
    "|1-64:4",
    "1-64:4||65-128:2",
    "0-4096:2",
    "1-99999999:2",
    "1-64:-1",
    "1-64:4x",
    "a-b:c",
    "",
    "1-64:4 |65-128:2",
    " 1-64:4",
    "1 -64:4",
    "0x1-0x40:0x4",
    "8-8:1",
    "1-64:100000",
    "14337-20000:2",
];

/// Names that no version has.
const STRANGERS: &[&str] = &[
    "dirty_decay",
    "narena",
    "backround_thread",
    "Narenas",
    "background-thread",
    "tcache_max_bytes",
    "opt.narenas",
    "x",
    "_",
    "0",
    "experimental_x",
    "metadata",
    "m",
    "dssx",
    "percpu",
    "p",
    "hpa_",
    "hpa_hugify_styl",
    "thpx",
    "th",
    "",
    "tcache_nslots_large_x",
    "hpa_sec_bytes_after_flush_x",
];

/// One string.
pub(crate) fn string(random: &mut Random) -> String {
    let mut text = String::new();
    // A clean string says most about names and values, a dirty one about what separates them.
    let clean = !random.once_in(3);
    for at in 0..=random.below(4) {
        if at > 0 {
            text += if clean { "," } else { random.pick(SEPARATORS) };
        }
        let (name, value) = setting(random);
        text += &name;
        text += if clean { ":" } else { random.pick(COLONS) };
        text += &value;
    }
    if random.once_in(25) {
        text += random.pick(&[",", ",,", ", ", " ", "\"", ",x", ",narenas", ":", "\n"]);
    }
    if random.once_in(40) {
        text.insert_str(
            0,
            random.pick(&["\"", "'", " ", ",", ":", "\u{feff}", "abort_conf:true,"]),
        );
    }
    text
}

fn setting(random: &mut Random) -> (String, String) {
    let options = jemalloc_options();
    let option = &options[random.below(options.len())];
    let name = match random.below(12) {
        0 => random.pick(STRANGERS).to_owned(),
        1 => mangled(random, &option.name),
        _ => option.name.clone(),
    };
    let value = if random.once_in(8) {
        any(random)
    } else {
        fitting(random, option.kind)
    };
    (name, value)
}

/// A value of the kind that the option wants, or nearly.
fn fitting(random: &mut Random, kind: OptionKind) -> String {
    let among: &[&str] = match kind {
        OptionKind::Bool => &[
            "true", "false", "true", "false", "1", "True", "tru", "true ",
        ],
        OptionKind::Words | OptionKind::Starts | OptionKind::Letters | OptionKind::Text => WORDS,
        OptionKind::Unsigned | OptionKind::Signed => NUMBERS,
        OptionKind::Ratio => RATIOS,
        OptionKind::Sizes => SIZES,
    };
    random.pick(among).to_owned()
}

fn any(random: &mut Random) -> String {
    let among = random.pick(&[WORDS, NUMBERS, RATIOS, SIZES]);
    random.pick(among).to_owned()
}

/// A name cut short, longer by a letter, or in capitals.
fn mangled(random: &mut Random, name: &str) -> String {
    match random.below(4) {
        0 => name[..random.below(name.len())].to_owned(),
        1 => format!("{name}s"),
        2 => name.to_uppercase(),
        _ => name.replace('_', random.pick(&["-", "", "."])),
    }
}
