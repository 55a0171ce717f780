//! A patched image brought to a registry: blobs first, then what names them, from below. Until the last of them its tag names what it
//! named before.

use super::Plan;
use crate::image::{Digest, Refused, Taker};

/// Brings all parts of a plan there. `step`: called for each.
///
/// # Errors
/// Where one cannot be read, or is not taken; then the tag is as it was.
pub(super) fn push(plan: &Plan<'_>, taker: &dyn Taker, step: &dyn Fn()) -> Result<(), Refused> {
    let tree = &plan.tree;
    let is_node = |digest: &Digest| tree.nodes.iter().any(|node| node.blob.digest == *digest);
    for blob in plan.blobs().filter(|blob| !is_node(&blob.digest)) {
        let stored = !tree.made.contains_key(&blob.digest);
        taker.blob(&blob, stored, &|| plan.open(&blob))?;
        step();
    }
    for node in &tree.nodes {
        let bytes = plan.manifest(&node.blob)?;
        taker.manifest(&node.kind, &bytes, *node == tree.root)?;
        step();
    }
    Ok(())
}
