//! Kubernetes manifests and Compose files in, findings out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::generated;
use super::suppress::{self, Suppression};
use super::{Checked, Examined, Wish, sorted};
use crate::dockerfile;
use crate::finding::{Finding, Severity, Subject};
use crate::manifests::{Sheet, tuned};
use crate::manifests::{compose, kubernetes};
use crate::model::{Change, Container, Unit};
use crate::project::link::{self, Link};
use crate::project::{Format, is_template_ending};
use crate::project::{Lack, Project};
use crate::purpose;
use crate::rules;
use crate::templates::Style;
use crate::text::paths;
use crate::text::{Edit, Place, SourceFile, Span};
use crate::yaml::{self, Tree};

/// Larger files hold data, not manifests: in bytes.
const LARGEST: usize = 16 << 20;

/// Looks at one file of manifests.
pub(super) fn examine(
    file: &Arc<SourceFile>,
    format: Format,
    project: &Project<'_>,
    style: Style,
    wish: Wish<'_>,
) -> Examined {
    let nothing = |checked: Checked| checked.into();
    if file.bytes.len() > LARGEST {
        let why = format!("is larger than {} MiB", LARGEST >> 20);
        return nothing(Checked::unread(why));
    }
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        return nothing(unreadable(file, 0, "it is not UTF-8"));
    };
    if let Some(why) = template(text) {
        return nothing(Checked::skipped(why));
    }
    let rendered_first = "a template: render it first, then check the result";
    if is_named_template(&file.path) {
        return nothing(Checked::skipped(rendered_first));
    }
    let tree = match yaml::read(text) {
        Ok(tree) if tree.has_gaps() => return nothing(Checked::skipped(rendered_first)),
        Ok(tree) if format == Format::Kubernetes && kubernetes::has_placeholders(&tree) => {
            return nothing(Checked::skipped(rendered_first));
        }
        Ok(tree) => tree,
        Err(broken) if broken.too_much => return nothing(Checked::unread(broken.message)),
        Err(broken) if is_template(text) || is_gap(text, broken.at, format) => {
            return nothing(Checked::skipped(rendered_first));
        }
        Err(broken) if purpose::of_path(&file.path).is_some() => {
            let why = format!("no YAML ({broken}), and its path says that it is no production's");
            return nothing(Checked::skipped(why));
        }
        Err(_) if is_compose_by_content(&file.path, format) => {
            return nothing(Checked::skipped(
                "its name is no Compose file's, and it is no YAML",
            ));
        }
        Err(broken) => return nothing(unreadable(file, broken.at, &broken.message)),
    };
    if is_compose_by_content(&file.path, format)
        && let Some(key) = compose::foreign_key(&tree)
    {
        let why = format!("its name is no Compose file's, and Compose knows no `{key}`");
        return nothing(Checked::skipped(why));
    }
    if let Some((at, why)) = read_otherwise(&tree, text) {
        return nothing(unreadable(file, at, why));
    }
    let sheet = Sheet {
        file,
        text,
        tree: &tree,
    };
    let Made {
        mut findings,
        mut wished,
        units,
        elsewhere,
    } = judge(sheet, format, project, (style, wish));
    if let Some(why) = generated::manifest(text) {
        generated::leave(&mut findings, why);
        generated::leave(&mut wished, why);
    }
    let policy = project.policy(&file.path);
    suppress::apply(
        file,
        &suppressions(sheet, format, text),
        &mut findings,
        &policy,
    );
    suppress::apply_elsewhere(file, &mut findings, &policy);
    let checked = Checked {
        findings: sorted(findings),
        ..Checked::default()
    };
    Examined {
        checked,
        units,
        elsewhere,
        wished,
        tree: Some(tree),
    }
}

/// Whether a file is taken for a Compose file because it has services, whatever its name.
fn is_compose_by_content(path: &str, format: Format) -> bool {
    format == Format::Compose && !Format::is_compose_name(paths::file_name(path))
}

/// What the rules say of the containers of a file: as it stands, or as the kustomizations that use it
/// make of it.
fn judge(
    sheet: Sheet<'_>,
    format: Format,
    project: &Project<'_>,
    (style, wish): (Style, Wish<'_>),
) -> Made {
    let mut judge = Judge {
        file: sheet.file,
        project,
        style,
        wish,
        units: Vec::new(),
        lacking: BTreeMap::new(),
        elsewhere: Vec::new(),
        wished: Vec::new(),
    };
    if format == Format::Compose {
        let mut findings = Vec::new();
        for (container, site) in compose::read(sheet, project.around()) {
            let spell =
                |unit: &Unit, changes: &[Change]| compose::spell(sheet, unit, site, changes);
            findings.append(&mut judge.judge(container, &|_| true, &spell));
        }
        return judge.made(findings);
    }
    let builds = project.builds(sheet.file);
    let mut findings: Option<Vec<Finding>> = None;
    for build in &builds {
        judge.lacking.clear();
        let mut own = Vec::new();
        let speaks = |place: &Place| !build.is_said_elsewhere(place, sheet.file);
        let writer = build.writer();
        for (container, location) in &build.containers {
            let spell = |unit: &Unit, changes: &[Change]| writer.spell(unit, location, changes);
            own.append(&mut judge.judge(container.clone(), &speaks, &spell));
        }
        findings = Some(match findings {
            None => own,
            Some(before) if build.as_resource => common(before, &own),
            Some(before) => either(before, own),
        });
    }
    if let Some(findings) = findings {
        return judge.made(findings);
    }
    let mut findings = Vec::new();
    for (container, site) in kubernetes::read(sheet) {
        let spell = |unit: &Unit, changes: &[Change]| kubernetes::spell(sheet, unit, site, changes);
        findings.append(&mut judge.judge(container, &|_| true, &spell));
    }
    judge.made(findings)
}

/// What the containers of a file come to.
struct Made {
    findings: Vec<Finding>,
    wished: Vec<Finding>,
    units: Vec<Unit>,
    /// Those whose Dockerfile is told of what the image lacks.
    elsewhere: Vec<usize>,
}

fn is_same(one: &Finding, other: &Finding) -> bool {
    one.rule == other.rule && one.place == other.place
}

/// What is wrong with a resource in every build: what one of them fixes is no fault of the file.
fn common(mut before: Vec<Finding>, other: &[Finding]) -> Vec<Finding> {
    before.retain(|one| other.iter().any(|other| is_same(one, other)));
    before
}

/// What is wrong with a patch in any build.
fn either(mut before: Vec<Finding>, other: Vec<Finding>) -> Vec<Finding> {
    for one in other {
        if !before.iter().any(|before| is_same(before, &one)) {
            before.push(one);
        }
    }
    before
}

type Spell<'a> = &'a dyn Fn(&Unit, &[Change]) -> Result<Vec<Edit>, String>;

/// An image: its Dockerfile and stage, or its name.
type Image = (String, Option<String>);

/// Containers of one file on their way to findings.
struct Judge<'a> {
    file: &'a Arc<SourceFile>,
    project: &'a Project<'a>,
    style: Style,
    wish: Wish<'a>,
    units: Vec<Unit>,
    /// Images that were told to lack a setting, and the unit of which that was said.
    lacking: BTreeMap<Image, usize>,
    elsewhere: Vec<usize>,
    wished: Vec<Finding>,
}

impl Judge<'_> {
    fn made(self, findings: Vec<Finding>) -> Made {
        Made {
            findings,
            wished: self.wished,
            units: self.units,
            elsewhere: self.elsewhere,
        }
    }

    /// What the rules say of one container, where `speaks` wants it, with the edits that `spell` writes.
    fn judge(
        &mut self,
        mut container: Container,
        speaks: &dyn Fn(&Place) -> bool,
        spell: Spell<'_>,
    ) -> Vec<Finding> {
        let (file, project) = (self.file, self.project);
        let tag = container.image.as_ref().and_then(purpose::of_image);
        let mut variables = container.env.iter();
        let set = variables
            .find_map(|(name, setting)| purpose::of_variable(name, setting.value.known()?));
        container.not_production = container.not_production.or(tag).or(set);
        let link = link::link(&file.path, &container, project);
        let unseen = link::not_read(&file.path, &container, project);
        container.gaps.unseen = container.gaps.unseen.or(unseen);
        let unit = unit(&container, link.as_ref(), project);
        let mut own = Vec::new();
        rules::check(&unit, &mut own);
        own.retain(|finding| speaks(&finding.place) && speaks_here(finding, link.as_ref()));
        if own.iter().any(|finding| finding.subject == Subject::Image) {
            // Several containers may run one image: what it lacks is said once.
            let image = match (&link, &container.image) {
                (Some(link), _) => (link.file.path.clone(), link.target.clone()),
                (None, Some(image)) => (image.text.clone(), None),
                (None, None) => (container.name.clone(), None),
            };
            let there = link.as_ref().and_then(|link| said_there(link, project));
            // What this container alone shows weighs more than advice to the image.
            own.retain(|finding| finding.subject != Subject::Image || Some(lack(finding)) > there);
            self.elsewhere.extend(there.map(|_| self.units.len()));
            let said = self.lacking.get(&image).copied();
            for finding in own
                .iter_mut()
                .filter(|finding| finding.subject == Subject::Image)
            {
                finding.repeats = said;
            }
            self.lacking.entry(image).or_insert(self.units.len());
        }
        for finding in &mut own {
            finding.unit = self.units.len();
            super::spell(file, finding, |changes| {
                spell(&unit, &tuned(&unit, self.style, changes)?)
            });
        }
        let of = (self.units.len(), &unit);
        let wished = super::wished(file, of, self.wish, |changes| spell(&unit, changes));
        self.wished
            .extend(wished.filter(|wished| speaks(&wished.place)));
        self.units.push(unit);
        own
    }
}

/// What is in force in a container: its description over the image that the project builds, or over one
/// from elsewhere.
fn unit(container: &Container, link: Option<&Link>, project: &Project<'_>) -> Unit {
    let around = project.around();
    let linked = link.and_then(|link| {
        let (target, source) = (link.target.as_deref(), link.source.clone());
        let image = project.image(&link.file);
        let made = image
            .interpreted
            .container(around, target, container, source);
        let (mut unit, search) = made?;
        if let Some(search) = search {
            project.look_around(&link.file.path, &search, &mut unit);
        }
        Some(unit)
    });
    let mut unit = linked.unwrap_or_else(|| dockerfile::started_elsewhere(container, around));
    project.witness(&mut unit);
    unit
}

/// What is wrong in the Dockerfile is said where that is read; so is what its build steps put into the image.
fn speaks_here(finding: &Finding, link: Option<&Link>) -> bool {
    link.is_none_or(|link| !finding.of_build && !Arc::ptr_eq(&finding.place.file, &link.file))
}

/// Whether the Dockerfile itself is told that its image lacks a setting.
fn said_there(link: &Link, project: &Project<'_>) -> Option<Lack> {
    project.image(&link.file).lacks_setting(|interpreted| {
        let mut findings = Vec::new();
        for (unit, _) in super::dockerfiles::units(&link.file, interpreted, project) {
            rules::check(&unit, &mut findings);
        }
        let of_image = findings
            .iter()
            .filter(|finding| finding.subject == Subject::Image);
        of_image.map(lack).max()
    })
}

fn lack(finding: &Finding) -> Lack {
    match finding.severity {
        Severity::Info => Lack::Advice,
        Severity::Warning | Severity::Error => Lack::Fault,
    }
}

/// Where and why the readers of Kubernetes and Compose take a text for another, or refuse it.
fn read_otherwise(tree: &Tree, text: &str) -> Option<(usize, &'static str)> {
    const MARK: char = '\u{feff}';
    let mark = MARK.len_utf8();
    if text
        .strip_prefix(MARK)
        .is_some_and(|rest| rest.starts_with(MARK))
    {
        return Some((mark, "a second byte order mark stands behind the first"));
    }
    let at = tree.other_line_end(text)?;
    Some((
        at,
        "a character that ends a line to some readers, and none to others: put the text in quotes",
    ))
}

fn unreadable(file: &Arc<SourceFile>, at: usize, message: &str) -> Checked {
    let place = Place::new(file, Span::empty(at.min(file.bytes.len())));
    let finding = rules::unreadable(&place, format!("this is no YAML: {message}"));
    Checked::of(finding.map(|finding| {
        finding
            .caption("here")
            .help("fix it first: nothing of this file was read")
    }))
}

/// `manifests.tftpl.yaml`.
fn is_named_template(path: &str) -> bool {
    let name = paths::file_name(path);
    let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
    stem.rsplit_once('.')
        .is_some_and(|(_, ending)| is_template_ending(ending))
}

/// Whether a text that is no YAML is one still to be filled in: it has braces, or a line is nothing but a name to be
/// replaced (`__ENV__`, `@ENV@`, `%ENV%`, `${ENV}`).
fn is_template(text: &str) -> bool {
    let signs = [
        ("__", "__"),
        ("@", "@"),
        ("%", "%"),
        ("${", "}"),
        ("<", ">"),
    ];
    let placeholder = |line: &str| {
        signs.iter().any(|(open, close)| {
            let name = line
                .strip_prefix(open)
                .and_then(|rest| rest.strip_suffix(close));
            name.is_some_and(|name| {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
            })
        })
    };
    text.contains("{{") || text.contains("{%") || text.lines().any(|line| placeholder(line.trim()))
}

/// Whether the line that is no YAML has a variable in it that a program fills in first, `[${ROUTES}]`, or a name that was
/// masked before it was published, `****-prod`; in a manifest
/// also one that begins with a bare name in capitals (`GEN3_DATE_LABEL`): in a Compose file that is a forgotten colon.
fn is_gap(text: &str, at: usize, format: Format) -> bool {
    let start = text
        .get(..at)
        .map_or(0, |before| before.rfind('\n').map_or(0, |end| end + 1));
    let line = text
        .get(start..)
        .and_then(|rest| rest.lines().next())
        .unwrap_or_default();
    let masked = line.contains("***");
    masked || line.contains("${") || format == Format::Kubernetes && is_bare_name(line.trim())
}

/// `GEN3_DATE_LABEL`, or `GEN3_REGION|-value: "us-east-1"-|` with what holds where nothing is filled in.
fn is_bare_name(line: &str) -> bool {
    let name = line.split('|').next().unwrap_or_default();
    let capital = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    name.contains('_') && name.bytes().all(capital)
}

/// Charts are rendered first.
fn template(text: &str) -> Option<&'static str> {
    let values = [".Values", ".Release", ".Chart", "include \""];
    let helm = text.contains("{{") && values.iter().any(|value| text.contains(value));
    helm.then_some(
        "a Helm template: `helm template CHART | malloclint check -` checks what it renders to",
    )
}

/// The `ignore` comments and annotations, each with what it holds for.
fn suppressions(sheet: Sheet<'_>, format: Format, text: &str) -> Vec<Suppression> {
    let mut found = Vec::new();
    let (mut scopes, mut next) = (None, 0);
    for comment in &sheet.tree.comments {
        let Some(read) = suppress::read(sheet.file, *comment, Span::default()) else {
            continue;
        };
        let scopes = scopes.get_or_insert_with(|| largest_scopes(sheet.tree));
        let scope = scope(scopes, text, *comment, &mut next);
        found.push(read.held_for(scope));
    }
    if format == Format::Kubernetes {
        for (list, scope) in kubernetes::ignored(sheet) {
            found.push(suppress::listed(sheet.file, list, scope));
        }
    }
    found
}

/// The largest entry or item that begins at each byte where one does.
fn largest_scopes(tree: &Tree) -> BTreeMap<usize, Span> {
    let mut largest = BTreeMap::new();
    for span in tree.scopes() {
        let known = largest.entry(span.start).or_insert(span);
        // Of several that are as large the last one counts, and they are the same.
        if known.len() < span.len() {
            *known = span;
        }
    }
    largest
}

/// What a comment stands at or above: the largest entry or item that begins on its line, or on the next
/// one with text. Above the first key of a document it holds for all of it.
fn scope(scopes: &BTreeMap<usize, Span>, text: &str, comment: Span, next: &mut usize) -> Span {
    let line = text
        .get(..comment.start)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |at| at + 1);
    let alone = text
        .get(line..comment.start)
        .is_some_and(|before| before.trim().is_empty());
    let start = if alone {
        // All comments of a block stand above the same text.
        if *next <= comment.end {
            *next = next_text(text, comment.end);
        }
        *next
    } else {
        line
    };
    let end = text
        .get(start..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |off| start + off);
    let lead = text.get(start..end).map_or(0, |line| {
        line.len() - line.trim_start_matches([' ', '-', '\t']).len()
    });
    let first = start + lead;
    let found = scopes.get(&first).copied();
    found.unwrap_or(Span::new(start, end))
}

/// The start of the next line that is neither blank nor a comment.
fn next_text(text: &str, from: usize) -> usize {
    let mut at = from;
    for line in text.get(from..).unwrap_or_default().split_inclusive('\n') {
        let trimmed = line.trim();
        if at > from && !trimmed.is_empty() && !trimmed.starts_with('#') && trimmed != "---" {
            return at;
        }
        at += line.len();
    }
    text.len()
}
