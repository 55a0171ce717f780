//! The grammar of command lines that the readers must know: which programs install packages, which
//! run another program, and which of their options take a value in the next word.
//!
//! Grammar only. What a package holds or where a library lies is a fact and stands in `facts`.

use crate::facts::Manager;

/// Words parted by blanks, which tables of them read best as.
pub(super) type Words = &'static str;

/// Whether `word` is one of `words`.
pub(super) fn lists(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|one| one == word)
}

/// A program that installs packages.
#[derive(Debug)]
pub(super) struct Installer {
    pub(super) names: Words,
    pub(super) manager: Manager,
    /// Subcommands that install; none where every operand is a package.
    pub(super) install: Words,
    /// Subcommands that remove.
    pub(super) remove: Words,
    /// Subcommands that install what no name tells: groups, files, environments.
    pub(super) open: Words,
    /// Options whose value is the next word.
    pub(super) values: Words,
    /// Options that point to a list of packages.
    pub(super) lists: Words,
    /// Options that install into another root than this file system's.
    pub(super) roots: Words,
}

const DNF_VALUES: Words = "-c --config --setopt --enablerepo --disablerepo --repo --repoid --repofrompath \
            --releasever -x --exclude --excludepkgs --forcearch --comment -d --debuglevel -e \
            --errorlevel -R --randomwait --color --advisory --cachedir --destdir \
            --rpmverbosity";
const DNF_OPEN: Words = "groupinstall group groups module builddep";
const DNF_ROOTS: Words = "--installroot";
const DNF_INSTALL: Words = "install reinstall localinstall install-n install-na install-nevra";
const DNF_REMOVE: Words = "remove erase autoremove";

const fn dnf(names: Words, manager: Manager) -> Installer {
    Installer {
        names,
        manager,
        install: DNF_INSTALL,
        remove: DNF_REMOVE,
        open: DNF_OPEN,
        values: DNF_VALUES,
        lists: "",
        roots: DNF_ROOTS,
    }
}

/// All installers but pacman, whose subcommands are options.
pub(super) const INSTALLERS: &[Installer] = &[
    Installer {
        names: "apt-get apt aptitude nala apt-fast",
        manager: Manager::Apt,
        install: "install reinstall",
        remove: "remove purge autoremove autopurge",
        open: "build-dep satisfy",
        values: "-o --option -t --target-release --default-release -c --config-file -a \
            --host-architecture -P --build-profiles",
        lists: "",
        roots: "",
    },
    Installer {
        names: "install_packages install-packages clean_install clean-install apt-install \
            apt_install apt_get_install apt-get-install minideb-install",
        manager: Manager::Apt,
        install: "",
        remove: "",
        open: "",
        values: "-o -t",
        lists: "",
        roots: "",
    },
    Installer {
        names: "apk",
        manager: Manager::Apk,
        install: "add",
        remove: "del",
        open: "",
        values: "-X --repository -t --virtual --repositories-file --keys-dir --cache-dir --arch \
            --wait --progress-fd --cache-max-age",
        lists: "",
        roots: "-p --root",
    },
    dnf("dnf dnf5 dnf-3 yum4", Manager::Dnf),
    dnf("microdnf", Manager::Microdnf),
    dnf("yum", Manager::Yum),
    dnf("tdnf", Manager::Tdnf),
    Installer {
        names: "zypper",
        manager: Manager::Zypper,
        install: "install in",
        remove: "remove rm",
        open: "source-install si",
        values: "-t --type -r --repo --from --plus-repo -p -c --config -D --reposd-dir -C \
            --cache-dir --releasever",
        lists: "",
        roots: "-R --root --installroot",
    },
    Installer {
        names: "conda mamba micromamba",
        manager: Manager::Conda,
        install: "install create update upgrade",
        remove: "remove uninstall",
        open: "env",
        values: "-n --name -p --prefix -c --channel --solver --subdir --platform --repodata-fn \
            --revision -r --root-prefix --channel-priority",
        lists: "-f --file --clone",
        roots: "",
    },
];

/// A program that runs the program named in its arguments.
#[derive(Debug)]
pub(super) struct Wrapper {
    pub(super) names: Words,
    /// A word that must come first, such as `run`; options may stand on both sides of it.
    pub(super) subcommands: Words,
    /// Options whose value is the next word.
    pub(super) values: Words,
    /// Operands before the command: `gosu USER`, `timeout 5`.
    pub(super) operands: usize,
    /// The command stands behind `--` and nowhere else.
    pub(super) dashes: bool,
    /// What else it does.
    pub(super) habit: Habit,
}

/// What a wrapper does to the command besides running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// Nothing.
    None,
    /// `exec`: replaces the shell; `-c` empties the environment.
    Exec,
    /// `env`: assignments follow; `-i` empties the environment.
    Env,
    /// `sudo`: assignments follow; empties the environment unless told to keep it.
    Sudo,
    /// `setpriv`: `--reset-env` empties the environment.
    Setpriv,
    /// `xargs`: more arguments come from the pipe.
    Xargs,
}

const fn plain(names: Words, operands: usize, values: Words) -> Wrapper {
    Wrapper {
        names,
        subcommands: "",
        values,
        operands,
        dashes: false,
        habit: Habit::None,
    }
}

const fn habit(name: Words, habit: Habit, values: Words) -> Wrapper {
    Wrapper {
        names: name,
        subcommands: "",
        values,
        operands: 0,
        dashes: false,
        habit,
    }
}

const fn behind_run(names: Words, subcommands: Words, values: Words) -> Wrapper {
    Wrapper {
        names,
        subcommands,
        values,
        operands: 0,
        dashes: false,
        habit: Habit::None,
    }
}

const fn behind_dashes(names: Words) -> Wrapper {
    Wrapper {
        names,
        subcommands: "",
        values: "",
        operands: 0,
        dashes: true,
        habit: Habit::None,
    }
}

/// All wrappers but the shells, `su` and `runuser`, which take a script.
pub(super) const WRAPPERS: &[Wrapper] = &[
    habit("exec", Habit::Exec, "-a"),
    habit(
        "env s6-env",
        Habit::Env,
        "-u --unset -C --chdir -S --split-string",
    ),
    habit(
        "sudo",
        Habit::Sudo,
        "-u --user -g --group -h --host -p --prompt -C --close-from -r --role -t --type \
            -T --command-timeout -U --other-user -D --chdir -R --chroot",
    ),
    habit(
        "setpriv",
        Habit::Setpriv,
        "--reuid --regid --ruid --euid --rgid --egid --groups --inh-caps --ambient-caps \
            --bounding-set --securebits --selinux-label --apparmor-profile --pdeathsig \
            --landlock-access --landlock-rule --seccomp-filter --ptracer",
    ),
    habit(
        "xargs",
        Habit::Xargs,
        "-n --max-args -P --max-procs -I -L --max-lines -d --delimiter -a --arg-file -s \
            --max-chars -E",
    ),
    plain("tini tini-static docker-init", 0, "-p -e"),
    plain("dumb-init", 0, "-r --rewrite"),
    plain("catatonit pid1", 0, ""),
    plain("my_init", 0, "--kill-all-on-exit"),
    plain(
        "gosu su-exec s6-setuidgid setuser setuidgid s6-envdir envdir",
        1,
        "",
    ),
    plain(
        "chpst",
        0,
        "-u -U -e -/ -C -n -l -L -m -d -o -p -f -c -r -t",
    ),
    plain("nice", 0, "-n --adjustment"),
    plain("ionice", 0, "-c --class -n --classdata -p --pid"),
    plain("chrt", 1, "-T -P -D"),
    plain(
        "nohup setsid unbuffer fakeroot eatmydata command builtin busybox",
        0,
        "",
    ),
    plain("linux32 linux64 setarch with-contenv catchsegv", 0, ""),
    plain("stdbuf", 0, "-i --input -o --output -e --error"),
    plain("time", 0, "-f --format -o --output"),
    plain("timeout gtimeout", 1, "-s --signal -k --kill-after"),
    plain("taskset", 1, ""),
    plain(
        "numactl",
        0,
        "-N -C -m -p -i -l --cpunodebind --membind --physcpubind",
    ),
    plain("flock", 1, "-w --timeout -E --conflict-exit-code"),
    plain("prlimit softlimit authbind", 0, "-m -d -o"),
    plain("strace ltrace", 0, "-e -o -p -s -u -E"),
    plain(
        "xvfb-run",
        0,
        "-a -e -f -n -p -s -w --server-args --server-num",
    ),
    plain(
        "opentelemetry-instrument",
        0,
        "--traces_exporter --metrics_exporter --logs_exporter --service_name \
            --exporter_otlp_endpoint --exporter_otlp_protocol --exporter_otlp_headers \
            --propagators --resource_attributes --id_generator --disabled_instrumentations",
    ),
    plain("ddtrace-run", 0, ""),
    plain("heaptrack", 0, "-o"),
    behind_run("newrelic-admin", "run-program", ""),
    behind_run("poetry", "run", "-C --directory -P --project"),
    behind_run("pipenv pdm rye dotenv", "run", "-p --project -f --file"),
    behind_run(
        "uv",
        "run",
        "--extra --no-extra --group --no-group --only-group --env-file --with \
            --with-editable --with-requirements --package -p --python --project --directory \
            --index --default-index -i --index-url --extra-index-url -f --find-links \
            --cache-dir --config-file --color --resolution --prerelease --link-mode \
            --python-platform",
    ),
    behind_run("hatch", "run", "-e --env -p --project"),
    behind_run("pixi", "run", "-e --environment --manifest-path"),
    behind_run(
        "conda mamba micromamba",
        "run",
        "-n --name -p --prefix -r --root-prefix --cwd -e --env -a --attach",
    ),
    behind_run(
        "doppler infisical op teller berglas",
        "run exec",
        "--env-file --env --path -p -c",
    ),
    Wrapper {
        names: "chamber",
        subcommands: "exec",
        values: "",
        operands: 0,
        dashes: true,
        habit: Habit::None,
    },
    behind_dashes("wait-for-it.sh wait-for-it wait-for wait-for.sh dockerize py-spy watchmedo"),
];

/// Wrappers that choose the Python of the command behind their `run`.
pub(super) const PYTHON_CHOOSERS: Words =
    "poetry pipenv pdm rye uv hatch pixi conda mamba micromamba";

/// Shells that run the text behind `-c` or the file named first.
pub(super) const SHELLS: Words = "sh bash dash ash zsh ksh rbash mksh";

/// Options of shells whose value is the next word.
pub(super) const SHELL_VALUES: Words = "-o +o -O +O --rcfile --init-file";

/// Commands of the shell itself that neither run a program nor change what matters here.
pub(super) const BUILTINS: Words = "[ [[ test : true false cd pushd popd set shopt shift exit return break continue \
            read local let trap ulimit umask wait pwd type hash alias unalias echo printf \
            getopts jobs fg bg disown kill times enable mapfile readarray declare typeset \
            readonly export unset history bind complete caller";

/// Variables that a shell or who starts it sets.
pub(super) const SHELL_SETS: Words = "HOME PATH PWD OLDPWD HOSTNAME SHELL SHLVL TERM UID EUID PPID RANDOM SECONDS IFS \
            LINENO OPTARG OPTIND REPLY USER LOGNAME LANG BASH BASH_SOURCE BASH_VERSION FUNCNAME GROUPS HOSTTYPE \
            MACHTYPE OSTYPE PIPESTATUS _";
