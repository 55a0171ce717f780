//! A library is installed: into a list that the stage has, or with a RUN of its own.

use super::{Arrival, Plan, Refusal};
use crate::dockerfile::syntax::Keyword;
use crate::facts::{AllocatorPackage, Family, Manager, Release};
use crate::model::{Fact, Fit, Library, Origin, PathPattern, UNIVERSE, Unit, User};
use crate::templates::{self, Installer};
use crate::text::{Edit, Span};

impl Plan<'_> {
    pub(super) fn install(&mut self, family: Family) -> Result<(), Refusal> {
        let unit = self.scene.unit;
        let (release, package) = package(unit, family)?;
        self.package = Some(package);
        let there = |library: &Library| brings(library, package);
        if unit.libraries.iter().any(there) {
            return Ok(());
        }
        if let Some(program) = unit.conda {
            // The distribution's library loads the distribution's libstdc++ before conda's newer one.
            return Err(Refusal(format!(
                "Python is conda's here, and a library of the distribution may not get on with it: \
                 `{program} install -c conda-forge jemalloc`, and preload it by its path in conda's folder"
            )));
        }
        let Some(manager) = unit.platform.manager else {
            return self.copy(release, package);
        };
        let installer = templates::installer(manager)
            .ok_or_else(|| Refusal(format!("how {manager} installs is not known")))?;
        if let Some(other) = self.overwritten_by(package) {
            return Err(other);
        }
        if !unit.has_repository(package.repository.as_deref()) {
            let from = package.repository.as_deref().unwrap_or_default();
            return Err(Refusal(format!(
                "`{}` comes from {from}, which this image does not have: enable it first",
                package.name
            )));
        }
        if let Some(gone) = self.archived(release) {
            return Err(gone);
        }
        // A list may stand above the step that brings the repository: there a step of its own follows.
        let joins = package
            .repository
            .as_deref()
            .is_none_or(|name| name == UNIVERSE);
        let merged = self.merged(manager, &package.name);
        if let Some((edit, at, joined)) = merged.filter(|_| joins) {
            self.joined = Some(joined);
            self.arrival = Some(Arrival { at, edit: None });
            self.edits.push(edit);
            return Ok(());
        }
        if let Some(other) = self
            .chosen(manager)
            .or_else(|| self.ending(release, manager))
        {
            return Err(other);
        }
        self.new_run(installer, release, package)
    }

    /// Why no command of this image is sure to have that package manager: who builds it chooses the base, and no step needs it.
    fn chosen(&self, manager: Manager) -> Option<Refusal> {
        let unit = self.scene.unit;
        let needs = |install: &std::sync::Arc<crate::model::Install>| {
            install.manager == manager && !install.conditional
        };
        let open = unit.platform.chosen && !unit.installs.iter().any(needs);
        open.then(|| {
            Refusal(format!(
                "a build argument chooses the base, and with another than the default there may be no `{}`: install the library where that is known",
                manager.command()
            ))
        })
    }

    /// Why an image that builds today and installs nothing would not build for long, where its release has ended.
    fn ending(&self, release: &Release, manager: Manager) -> Option<Refusal> {
        let ended = release.ended.as_ref()?;
        let mut installs = self.scene.unit.installs.iter();
        let installs = installs.any(|install| install.manager == manager);
        (!installs).then(|| {
            let (distro, name) = (&release.distro, &release.release);
            Refusal(format!(
                "{distro} {name} ended on {ended}, and its packages will be moved: what installs nothing builds for good, with this step it would not; take a newer base image"
            ))
        })
    }

    /// Why an installation would fail, where the release was moved away and no step says where to.
    fn archived(&self, release: &Release) -> Option<Refusal> {
        let unit = self.scene.unit;
        let mut installs = unit.installs.iter();
        let installs = installs.any(|install| Some(install.manager) == unit.platform.manager);
        // What a step does that is not seen may say where to.
        let unseen = unit.opaque.iter().any(|opaque| !opaque.weak);
        let told = self.usable().is_some() || installs && unseen;
        let fails = release.archived && !told;
        fails.then(|| {
            Refusal(format!(
                "the packages of {} {} were moved to an archive, and nothing here installs from there, so that it cannot be built any more: take a newer base image",
                release.distro, release.release
            ))
        })
    }

    /// Why the package's library would not stay, where another file takes its place.
    fn overwritten_by(&self, package: &AllocatorPackage) -> Option<Refusal> {
        let path = format!("{}/{}", package.dir, package.soname);
        let by_hand = |library: &&Library| {
            !matches!(library.origin, Origin::Package { .. } | Origin::Base)
                && (library.path.fit(&path) != Fit::Never
                    || PathPattern::new(path.as_str()).fit(library.path.as_str()) != Fit::Never)
        };
        let library = self.scene.unit.libraries.iter().find(by_hand)?;
        Some(Refusal(format!(
            "line {} puts another file where the package's library would be: take that out first",
            library.place.line()
        )))
    }

    /// A RUN of its own, as root.
    fn new_run(
        &mut self,
        installer: &Installer,
        release: &'static Release,
        package: &AllocatorPackage,
    ) -> Result<(), Refusal> {
        let known = self.scene.unit.platform.release.known().is_some();
        let run = self.run(installer, known.then_some(release), package);
        let (at, back) = match self.enabling(package) {
            Some(at) => (at, None),
            None => self.as_root()?,
        };
        let user = self.layout.keyword(Keyword::User);
        let newline = self.layout.newline;
        let text = match back {
            Some(name) => format!("{user} root{newline}{run}{user} {name}{newline}"),
            None => run,
        };
        self.arrival = Some(Arrival {
            at,
            edit: Some(self.edits.len()),
        });
        self.edits.push(Edit {
            span: Span::empty(at),
            text: self.layout.insertion(at, &text),
        });
        Ok(())
    }

    /// The text of that RUN.
    fn run(
        &self,
        installer: &Installer,
        release: Option<&Release>,
        package: &AllocatorPackage,
    ) -> String {
        let cached = self.layout.caches(&installer.cached);
        let mut commands: Vec<String> = installer
            .steps
            .iter()
            .map(|step| step.replace("{packages}", &package.name))
            .collect();
        if !cached {
            commands.extend(installer.cleanup(release).map(str::to_owned));
        }
        let mut words = Vec::new();
        if cached {
            words.extend(installer.cache.iter().cloned());
        }
        words.push(self.layout.chain(&commands));
        let between = format!("{}    ", self.layout.continued());
        format!(
            "{} {}{}",
            self.layout.keyword(Keyword::Run),
            words.join(&between),
            self.layout.newline
        )
    }

    /// Behind the step of this stage that brings the package's repository.
    fn enabling(&self, package: &AllocatorPackage) -> Option<usize> {
        let repository = package
            .repository
            .as_deref()
            .filter(|name| *name != UNIVERSE)?;
        let mut installs = self.scene.unit.installs.iter();
        let install = installs.find(|install| install.brings(repository))?;
        self.layout
            .holder(install.place.span)
            .map(|step| self.layout.end(step))
    }

    /// Where root can install, and to whom to go back, where the stage has only others.
    fn as_root(&self) -> Result<(usize, Option<String>), Refusal> {
        let first = self.usable().unwrap_or_else(|| self.layout.first_gap());
        let starter = &self.scene.site.starter;
        if starter.value().is_some_and(User::is_root) {
            return Ok((first, None));
        }
        let root = self.layout.body.iter().find(|instruction| {
            let name = instruction.text.as_str().trim().to_owned();
            instruction.keyword == Keyword::User && User(name).is_root()
        });
        if let Some(instruction) = root {
            return Ok((self.layout.end(instruction), None));
        }
        match starter {
            Fact::Known(_, place) if place.file.text(place.span).contains('$') => {
                Err(Refusal(format!(
                    "the user of this stage is chosen when it is built (line {}): install it before that line",
                    place.line()
                )))
            }
            Fact::Known(user, _) | Fact::Assumed(user, _) => Ok((first, Some(user.0.clone()))),
            Fact::Unknown(why) => Err(Refusal(format!(
                "who runs the steps of this stage cannot be told ({why}): put `USER root` first"
            ))),
        }
    }

    /// Behind the last step that says from where packages come, or whom to trust, before anybody but the
    /// first user works: where packages can be had.
    fn usable(&self) -> Option<usize> {
        const SIGNS: [&str; 5] = [
            "/etc/apt/",
            "/etc/yum.repos.d",
            "/etc/apk/repositories",
            "update-ca-",
            "/etc/pki/",
        ];
        let before = self.layout.body.iter();
        let before = before.take_while(|instruction| instruction.keyword != Keyword::User);
        let touches = |instruction: &&&crate::dockerfile::syntax::Instruction| {
            let text = self.scene.file.text(instruction.span);
            let step = matches!(
                instruction.keyword,
                Keyword::Run | Keyword::Copy | Keyword::Add
            );
            step && SIGNS.iter().any(|sign| text.contains(sign))
        };
        let last = before.filter(touches).last()?;
        Some(self.layout.end(last))
    }

    /// A link at `link` to the library, made by the RUN that installs it.
    pub(super) fn link(&mut self, link: &str, soname: &str) -> Result<(), Refusal> {
        let package = self
            .package
            .ok_or_else(|| Refusal::new("nothing is installed"))?;
        let manager = self.scene.unit.platform.manager;
        let installer = manager.and_then(templates::installer).ok_or_else(|| {
            Refusal::new("a path for every architecture needs a package manager: use the soname")
        })?;
        let files = installer.files.replace("{package}", &package.name);
        let name = soname.replace('.', "\\.");
        let command = format!("ln -s \"$({files} | grep '/{name}$')\" {link}");
        if let Some(joined) = self.joined.filter(|joined| joined.open) {
            let text = match joined.heredoc {
                true => format!(" && {command}"),
                false if joined.semicolon => format!(";{}    {command}", self.layout.continued()),
                false => self.layout.chain(&[String::new(), command]),
            };
            let span = Span::empty(joined.end);
            self.edits.push(Edit { span, text });
            return Ok(());
        }
        let new = self.arrival.and_then(|arrival| arrival.edit);
        let edit = new.and_then(|edit| self.edits.get_mut(edit)).ok_or_else(|| {
            Refusal::new(
                "a path for every architecture needs a link, which cannot be added to this `RUN`: use the soname",
            )
        })?;
        let step = installer.steps.last().map(String::as_str);
        let step = step
            .unwrap_or_default()
            .replace("{packages}", &package.name);
        let with = self.layout.chain(&[step.clone(), command]);
        edit.text = edit.text.replacen(&step, &with, 1);
        Ok(())
    }

    /// `USER root` before an installation, and the user's own line behind it.
    pub(super) fn install_as_root(&mut self, install: Span) -> Result<(), Refusal> {
        let run = self
            .layout
            .holder(install)
            .ok_or_else(|| Refusal::new("the installation is not in this stage"))?;
        let of = |made: &&std::sync::Arc<crate::model::Install>| made.place.span == install;
        let user = self
            .scene
            .unit
            .installs
            .iter()
            .find(of)
            .map(|made| &made.user);
        let name = match user {
            // As it is written: a build argument stays one.
            Some(Fact::Known(_, place)) if self.layout.holder(place.span).is_some() => {
                let text = self.scene.file.text(place.span);
                text.split_whitespace()
                    .last()
                    .unwrap_or_default()
                    .to_owned()
            }
            Some(Fact::Known(_, place)) if place.file.text(place.span).contains('$') => {
                let why = "who installs is chosen when the image is built";
                return Err(Refusal::new(why));
            }
            Some(user) => user.value().map(|user| user.0.clone()).unwrap_or_default(),
            None => String::new(),
        };
        if name.is_empty() {
            return Err(Refusal::new("who installs cannot be told"));
        }
        let (keyword, newline) = (self.layout.keyword(Keyword::User), self.layout.newline);
        let (start, end) = (self.layout.start(run), self.layout.end(run));
        self.edits.push(Edit {
            span: Span::empty(start),
            text: format!("{keyword} root{newline}"),
        });
        self.edits.push(Edit {
            span: Span::empty(end),
            text: self
                .layout
                .insertion_tight(end, &format!("{keyword} {name}{newline}")),
        });
        Ok(())
    }
}

/// Whether a library is that of a package, or of one that brings it along.
fn brings(library: &Library, package: &AllocatorPackage) -> bool {
    let packaged = matches!(&library.origin, Origin::Package { dev: false, .. });
    packaged && !library.conditional && library.path.file_name() == package.soname
}

/// The package of the allocator that this image's release has: one that is there already, be it by a package that needs it,
/// else the first.
fn package(
    unit: &Unit,
    family: Family,
) -> Result<(&'static Release, &'static AllocatorPackage), Refusal> {
    let release: &'static Release = match &unit.platform.release {
        Fact::Known(release, _) | Fact::Assumed(release, _) => release,
        Fact::Unknown(why) => {
            return Err(Refusal(format!(
                "what the image stands on cannot be told: {why}"
            )));
        }
    };
    let fits = |package: &&AllocatorPackage| !package.dev && package.verified;
    let there = |package: &&AllocatorPackage| {
        let mut libraries = unit.libraries.iter();
        libraries.any(|library| brings(library, package))
    };
    let all = || release.packages_of(family).filter(fits);
    all()
        .find(there)
        .or_else(|| all().next())
        .map(|package| (release, package))
        .ok_or_else(|| {
            Refusal(format!(
                "no package of {family} is known for {} {}",
                release.distro, release.release
            ))
        })
}
