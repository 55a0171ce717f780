//! Parameters of an OpenShift Template: `${NAME}` stands for what the template says it is, unless somebody says
//! otherwise (docs.openshift.com, "Using templates").

use crate::inputs::yaml::{Id, Tree};

/// So many parameters of one template are looked up.
const MOST: usize = 256;

/// The text with the values that the template at `object` gives its parameters; those without one stay.
pub(super) fn filled(tree: &Tree, object: Id, text: &str) -> String {
    let mut filled = text.to_owned();
    let Some(list) = tree
        .get(object, "parameters")
        .filter(|_| text.contains("${"))
    else {
        return filled;
    };
    for &parameter in tree.items(list).iter().take(MOST) {
        let word = |key: &str| tree.get(parameter, key).and_then(|id| tree.word(id));
        if let (Some(name), Some(value)) = (word("name"), word("value")) {
            filled = filled.replace(&format!("${{{name}}}"), value);
        }
    }
    filled
}
