//! A development package where the library's own would do: it is there to be preloaded.

use super::Report;
use super::remedies::faults;
use crate::facts::{AllocatorPackage, Family, Release};
use crate::finding::Applicability;
use crate::model::{Change, Library, Origin, Unit, Via};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let compiler = |package: &String| package == "build-essential";
    let builds = unit
        .installs
        .iter()
        .any(|install| install.packages.iter().any(compiler));
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
        let finding = report
            .finding(&library.place, format!("`{name}` is for compiling: to be preloaded, the library's own package is enough"))
            .caption("a development package")
            .note("it adds headers and link files, and the name without a version, `.so`")
            .help(help(unit, library.family));
        let Some(package) =
            runtime(unit, library.family).filter(|package| !is_there(unit, package))
        else {
            report.add(finding);
            continue;
        };
        let title = format!("install `{}` instead", package.name);
        let changes = vec![
            Change::ReplacePackage {
                from: name.clone(),
                to: package.name.clone(),
            },
            Change::Preload(library.family),
        ];
        let unsafe_because =
            Applicability::Unsafe("a step that cannot be seen may need the headers".into());
        report.add(finding.remedy(title, unsafe_because, changes));
    }
}

/// What to install instead, and what to call the library then.
fn help(unit: &Unit, family: Family) -> String {
    let Some(package) = runtime(unit, family) else {
        return "install the library's own package, and preload the name with its version".into();
    };
    if is_there(unit, package) {
        return format!(
            "drop it, and preload `{}`, which `{}` brings",
            package.soname, package.name
        );
    }
    format!(
        "install `{}` instead, and preload `{}`",
        package.name, package.soname
    )
}

/// The package that brings the library alone.
fn runtime(unit: &Unit, family: Family) -> Option<&'static AllocatorPackage> {
    let release: &'static Release = unit.platform.release.value()?;
    release.packages_of(family).find(|package| !package.dev)
}

fn is_there(unit: &Unit, package: &AllocatorPackage) -> bool {
    let brings = |library: &Library| matches!(&library.origin, Origin::Package { name, dev: false } if *name == package.name);
    unit.libraries.iter().any(brings)
}
