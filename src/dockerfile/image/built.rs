//! The state that a built image gives to what stands on it.

use super::{Copied, CopySource, ImageState, Shared};
use crate::facts::{self, Image, ImageRole};
use crate::model::{
    Built, Fact, Library, Origin, PathPattern, Python, PythonBuild, ThreadHook, User, Value,
};
use crate::text::Place;

impl ImageState {
    /// What its files make of it; its configuration is set by instructions. `at`: what names it.
    pub(in crate::dockerfile) fn of_built(built: &Built, at: &Place) -> Self {
        let archs = match built.arch {
            Some(arch) => Fact::Known(vec![arch], at.clone()),
            None => Fact::Unknown("the architecture of this image is not one we know".into()),
        };
        let mut state = Self::on_image(&Value::default(), at, archs);
        state.base.clone_from(&built.name);
        state.platform.release = match built.release {
            Some(release) => Fact::Known(release, at.clone()),
            None => Fact::Unknown(format!(
                "its distribution is not one we know: {}",
                built.system.as_deref().unwrap_or("it has no os-release")
            )),
        };
        state.platform.libc = match built.libc {
            Some(libc) => Fact::Known(libc, at.clone()),
            None => Fact::Unknown("it has no C library that we know".into()),
        };
        state.platform.manager = built.release.map(|release| release.manager);
        state.platform.unmerged = built.unmerged;
        state.platform.own_dirs = built.own_dirs;
        state.platform.nowhere.clone_from(&built.nowhere);
        state.platform.lacks.clone_from(&built.lacks);
        state.platform.windows = built.windows;
        state.platform.chosen = false;
        state.python = match built.python {
            Some(Python { version, pypy }) => Fact::Known(Python { version, pypy }, at.clone()),
            None => Fact::Unknown("no Python is in this image".into()),
        };
        state.user = Fact::Assumed(User("root".into()), "images run as root".into());
        state.search_dirs = built.search_dirs.iter().cloned().collect();
        state.linked = built
            .linked
            .iter()
            .map(|family| (*family, at.clone()))
            .collect();
        state.opaque = Shared::default();
        state.libraries = Shared::default();
        for library in libraries(built, at) {
            state.add_library(library);
        }
        for program in facts::fragile() {
            state.fragile_of_built(program, built, at);
        }
        for (package, _) in &built.python_packages {
            state.noted.copy_in(package);
            state.noted.threads_of(package, || at.clone());
        }
        state.noted.python_build = built.free_threaded.as_ref().map(|file| PythonBuild {
            said: file.clone(),
            place: at.clone(),
            free_threaded: true,
        });
        let hooks = built
            .modules
            .iter()
            .map(|module| ThreadHook::named_in(module));
        state.thread_hook = hooks.max().unwrap_or_default();
        // All that is read of its files lies where it lies in the image.
        state.copies.push(Copied {
            from: CopySource::Context,
            path: ".".into(),
            to: "/".into(),
            into_folder: true,
        });
        state.image = Some(known(built));
        state
    }

    /// A program that its packages bring.
    fn fragile_of_built(&mut self, program: &'static facts::Fragile, built: &Built, at: &Place) {
        use crate::facts::Index;
        use crate::model::{Found, Fragile};
        let of = |index: Index, packages: &[(String, String)]| {
            let mut named = packages.iter().filter_map(|(name, version)| {
                let by = program.named(index, name)?;
                Some((Found::by(by), version.clone()))
            });
            named.next()
        };
        let seen = program.is_seen_in(built.release);
        let of_system = of(Index::Distribution, &built.packages).filter(|_| seen != Some(false));
        let packaged = of_system.is_some();
        let found = of_system.or_else(|| of(Index::Python, &built.python_packages));
        if let Some((mut found, version)) = found {
            if packaged && seen.is_none() {
                found = Found::Named;
            }
            let mut one = Fragile::new(program, at, found);
            one.version = Some(version).filter(|version| !version.is_empty());
            one.packaged = packaged;
            self.add_fragile(one);
        }
    }
}

fn libraries<'a>(built: &'a Built, at: &'a Place) -> impl Iterator<Item = Library> + 'a {
    built.libraries.iter().map(|library| Library {
        family: library.family,
        path: PathPattern::new(library.path.clone()),
        origin: match &library.package {
            Some(name) => Origin::Package {
                name: name.clone(),
                dev: false,
            },
            None if is_system(&library.path) => Origin::Read,
            // What a package of another kind has for itself.
            None => Origin::Base,
        },
        version: library.version.clone(),
        needs: library.needs.clone(),
        min_glibc: library.min_glibc.clone(),
        libc: library.libc,
        conditional: false,
        place: at.clone(),
        step: 0,
    })
}

/// Whether a library lies where libraries are put for all programs.
fn is_system(path: &str) -> bool {
    let mut dirs = [
        "/lib",
        "/usr/lib",
        "/lib64",
        "/usr/lib64",
        "/usr/local/lib",
        "/opt/lib",
    ]
    .iter();
    let folder = PathPattern::new(path).folder().to_owned();
    let multiarch =
        folder.rsplit_once('/').map_or(
            "",
            |(above, name)| {
                if name.contains("-linux-") { above } else { "" }
            },
        );
    dirs.any(|dir| *dir == folder || *dir == multiarch)
}

/// It is known, though by no list: nothing that was not seen is in it.
fn known(built: &Built) -> Image {
    Image {
        name: built.name.clone(),
        release: built.release,
        release_is_assumed: false,
        arch: built.arch,
        libc: built.libc,
        python: match built.python {
            Some(Python { version, .. }) => facts::Python::Yes { version },
            None => facts::Python::No,
        },
        python_prefix: None,
        user: None,
        manager: built.release.map(|release| release.manager),
        bare: false,
        extra_dirs: built.search_dirs.clone(),
        libraries: Vec::new(),
        env: Vec::new(),
        overwrites_preload: None,
        overwrites_sometimes: false,
        overwrites_in: Vec::new(),
        switch: None,
        switched_off_by: Vec::new(),
        lacks: built.lacks.clone(),
        lacks_is_verified: true,
        command: None,
        takes_cmd: false,
        role: ImageRole::Runtime,
        service: false,
        windows: built.windows,
        crowded: false,
        open: false,
        source: "the image".into(),
    }
}
