//! A development package where the library's own would do: it is there to be preloaded.

use super::{Report, faults};
use crate::facts::Family;
use crate::model::{Origin, Unit, Via};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let compiler = |package: &String| package == "build-essential";
    let builds = unit.installs.iter().any(|install| install.packages.iter().any(compiler));
    if unit.role.is_build() || unit.compiles || builds {
        return;
    }
    let mut seen: Vec<&str> = Vec::new();
    for library in &unit.libraries {
        let Origin::Package { name, dev: true } = &library.origin else {
            continue;
        };
        let preloaded = faults(unit).any(|preload| {
            preload.via == Via::Environment && preload.family == Some(library.family)
        });
        if seen.contains(&name.as_str()) || !preloaded {
            continue;
        }
        seen.push(name);
        report.add(
            report
                .finding(&library.place, format!("`{name}` is for compiling: to be preloaded, the library's own package is enough"))
                .caption("a development package")
                .note("it adds headers and link files, and the name without a version, `.so`")
                .help(help(unit, library.family)),
        );
    }
}

/// What to install instead, and what to call the library then.
fn help(unit: &Unit, family: Family) -> String {
    let release = unit.platform.release.value();
    let runtime = release.and_then(|release| release.packages_of(family).find(|package| !package.dev));
    let Some(package) = runtime else {
        return "install the library's own package, and preload the name with its version".into();
    };
    let there = unit.libraries.iter().any(|library| matches!(&library.origin, Origin::Package { name, dev: false } if *name == package.name));
    if there {
        return format!("drop it, and preload `{}`, which `{}` brings", package.soname, package.name);
    }
    format!("install `{}` instead, and preload `{}`", package.name, package.soname)
}
