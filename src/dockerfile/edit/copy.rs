//! An image without a package manager gets the library from a stage that has one.

use super::{Arrival, Plan, Refusal};
use crate::dockerfile::stages;
use crate::dockerfile::syntax::Keyword;
use crate::facts::{AllocatorPackage, Release};
use crate::templates;
use crate::text::{Edit, Span};

impl Plan<'_> {
    /// A stage before this one that installs the library, and a COPY that takes it from there.
    pub(super) fn copy(
        &mut self,
        release: &Release,
        package: &AllocatorPackage,
    ) -> Result<(), Refusal> {
        let refused = || {
            let known = format!("{} {}", release.distro, release.release);
            Refusal(format!(
                "the image ({known}) has no package manager, and from where to copy the library is not known"
            ))
        };
        if release.archived {
            return Err(Refusal(format!(
                "the packages of {} {} were moved to an archive: take a newer base image",
                release.distro, release.release
            )));
        }
        let template = templates::copy(release).ok_or_else(refused)?;
        let installer = templates::installer(template.manager).ok_or_else(refused)?;
        let from = self.layout.from.ok_or_else(refused)?;
        let name = self.free_name(package.family.to_string().as_str());
        let mut libraries = vec![package.soname.clone()];
        let lacks = &self.scene.unit.platform.lacks;
        libraries.extend(
            package
                .needs
                .iter()
                .filter(|need| lacks.contains(need))
                .cloned(),
        );
        let sources: Vec<String> = libraries
            .iter()
            .map(|library| format!("{}/{library}", template.folder))
            .collect();
        let mut commands: Vec<String> = installer
            .steps
            .iter()
            .map(|step| step.replace("{packages}", &package.name))
            .collect();
        commands.push(format!("mkdir /{name}"));
        commands.push(format!("cp {} /{name}/", sources.join(" ")));
        let newline = self.layout.newline;
        let platform = from.flags.iter().find(|flag| flag.name == "platform");
        let platform = platform.map_or_else(String::new, |flag| {
            format!(" {}", self.scene.file.text(flag.span))
        });
        let image = template.image.replace("{release}", &release.release);
        let stage = format!(
            "{}{platform} {image} {} {name}{newline}{} {}{newline}{newline}",
            self.layout.keyword(Keyword::From),
            if self.layout.keyword(Keyword::From) == "from" {
                "as"
            } else {
                "AS"
            },
            self.layout.keyword(Keyword::Run),
            self.layout.chain(&commands),
        );
        self.edits.push(Edit {
            span: Span::empty(self.layout.start(from)),
            text: stage,
        });
        self.copied_to = Some(template.to.as_str());
        let at = self.layout.first_gap();
        let line = format!(
            "{} --from={name} /{name}/ {}{newline}",
            self.layout.keyword(Keyword::Copy),
            template.to
        );
        self.arrival = Some(Arrival {
            at,
            edit: Some(self.edits.len()),
        });
        self.edits.push(Edit {
            span: Span::empty(at),
            text: self.layout.insertion(at, &line),
        });
        Ok(())
    }

    /// A name that no stage has, and none will have that is made for another image of the file.
    fn free_name(&self, wanted: &str) -> String {
        let (_, all) = stages::split(self.scene.dockerfile);
        let own = all
            .get(self.scene.site.stage)
            .and_then(|stage| stage.name.clone());
        let wanted = match own {
            _ if !self.scene.unit.siblings => wanted.to_owned(),
            Some(own) => format!("{wanted}-{}", own.to_lowercase()),
            None => format!("{wanted}-{}", self.scene.site.stage),
        };
        let taken = |name: &str| all.iter().any(|stage| stage.name.as_deref() == Some(name));
        let mut name = wanted.clone();
        let mut number = 1;
        while taken(&name) {
            number += 1;
            name = format!("{wanted}-{number}");
        }
        name
    }
}
