//! What is asked over the network: registries, archives of apt, and the socket of an engine. Nothing else of the program asks anybody.

mod again;
mod agent;
mod client;
mod engine;
mod helper;
mod login;
mod names;
mod paced;
mod push;
mod registry;
mod token;
#[cfg(unix)]
mod unix;
mod web;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::cache::{Cached, Folder};
use super::{Refused, Store, Taker};
use crate::image::access::Access;
use crate::image::reference::{At, Name};
use client::Client;
use registry::Registry;
pub(crate) use web::Web;

/// The registries that were asked, by their hosts: connections and tokens are used again.
#[derive(Default)]
pub(super) struct Clients(Mutex<BTreeMap<String, Arc<Client>>>);

impl Clients {
    fn of(&self, host: &str, access: &Access) -> Result<Arc<Client>, Refused> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(host) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(Client::new(host, access)?);
        clients.insert(host.to_owned(), Arc::clone(&client));
        Ok(client)
    }
}

/// The image of that name in its registry.
///
/// # Errors
/// Where nothing can be kept as it was asked for, or certificates cannot be read.
pub(super) fn registry(
    name: &Name,
    access: &Access,
    clients: &Clients,
) -> Result<Box<dyn Store>, Refused> {
    let store = Registry::new(name.clone(), clients.of(&name.host, access)?);
    Ok(match Folder::open(access)? {
        Some(folder) => Box::new(Cached {
            store,
            folder,
            wanted: match &name.at {
                At::Digest(digest) => Some(digest.clone()),
                At::Tag(_) => None,
            },
        }),
        None => Box::new(store),
    })
}

/// Whether the engine answers.
///
/// # Errors
/// Where it does not.
pub(super) fn engine_answers(access: &Access) -> Result<(), Refused> {
    engine::answers(access)
}

/// Has the engine load an archive of docker.
///
/// # Errors
/// Where it does not take it.
pub(super) fn load(archive: &Path, access: &Access) -> Result<(), Refused> {
    engine::load(archive, access)
}

/// The registry that takes an image of that name. `from`: the repository of it that has most of its blobs already.
///
/// # Errors
/// Where certificates cannot be read.
pub(super) fn taker(
    name: &Name,
    from: Option<&str>,
    access: &Access,
    clients: &Clients,
) -> Result<Box<dyn Taker>, Refused> {
    let client = clients.of(&name.host, access)?;
    Ok(Box::new(push::Push::new(name.clone(), from, client)))
}

/// The image of that name in the engine: it is saved first, into a file that goes with it.
///
/// # Errors
/// Where the engine does not answer, or has no such image.
pub(super) fn engine(name: &str, access: &Access) -> Result<Box<dyn Store>, Refused> {
    engine::save(name, access)
}
