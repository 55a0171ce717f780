//! Keys that an image's apt trusts, and whether a signature is one of theirs (RFC 9580, 5.2 and 10.1).
//!
//! The keyrings are what is trusted, as a whole: a key vouches for itself and its subkeys, and nobody else does.

use std::io::BufReader;

use pgp::composed::{Deserializable as _, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::{KeyDetails, KeyVersion, Tag};

use crate::text::date;

const ARMOR: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
/// No keyring has more keys.
const MOST: usize = 1024;
/// What is said of a key that nobody may trust any more.
const REVOKED: &str = "is revoked";
/// Clocks may differ by so much, in seconds (apt.conf(5), `Acquire::Max-FutureTime`).
pub(super) const AHEAD: u64 = 10;

/// The keys that are trusted for an archive.
#[derive(Debug, Default)]
pub(super) struct Ring {
    keys: Vec<SignedPublicKey>,
    /// What the signing key, or the key above it, must be; a name behind it with `!` must be the signing key itself. All, where none is
    /// named.
    only: Vec<String>,
}

impl Ring {
    /// Takes the keys of a keyring, packed or as text. Those that are not understood are passed over, and trusted for nothing.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        if !text.trim_start().starts_with("-----BEGIN") {
            return self.take(SignedPublicKey::from_bytes_many(BufReader::new(bytes)));
        }
        for block in text.split(ARMOR).skip(1) {
            let block = format!("{ARMOR}{block}");
            let read = SignedPublicKey::from_string_many(&block).map(|(keys, _)| keys);
            self.take(read);
        }
    }

    fn take<'a>(
        &mut self,
        read: Result<
            Box<dyn Iterator<Item = Result<SignedPublicKey, pgp::errors::Error>> + 'a>,
            pgp::errors::Error,
        >,
    ) {
        let keys = read.into_iter().flatten().take(MOST);
        self.keys.extend(keys.filter_map(Result::ok));
    }

    /// Trusts only the key of this fingerprint, beside others that are named.
    pub(super) fn only(&mut self, fingerprint: &str) {
        self.only.push(fingerprint.to_ascii_uppercase());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Holds a text against its signatures; the fingerprint of the key that made one. `now`: in seconds since 1970.
    ///
    /// # Errors
    /// Where none of a trusted key holds, or one does not fit the text; the reason says what is wrong with them.
    pub(super) fn signer(
        &self,
        text: &[u8],
        signatures: &[Signature],
        now: u64,
    ) -> Result<String, String> {
        let mut against = Vec::new();
        let mut good = None;
        for signature in signatures {
            match self.one(text, signature, now) {
                Ok(signer) => good = good.or(Some(signer)),
                Err(Fault::Forged(why)) => return Err(why),
                Err(Fault::Worthless(why)) => against.push(why),
            }
        }
        against.dedup();
        good.ok_or_else(|| against.join("; "))
    }

    fn one(&self, text: &[u8], signature: &Signature, now: u64) -> Result<String, Fault> {
        let named = named(signature);
        let worthless = |why: &str| Fault::Worthless(format!("{named} {why}"));
        let kinds = [Some(SignatureType::Text), Some(SignatureType::Binary)];
        if !kinds.contains(&signature.typ()) {
            return Err(worthless("made a signature that is not one of a text"));
        }
        let hash = signature.hash_alg();
        if !hash.is_some_and(is_strong) {
            let hash = hash.map_or_else(String::new, |hash| format!(" ({hash})"));
            return Err(worthless(&format!(
                "signed with a digest that is too weak{hash}"
            )));
        }
        let keys = self.keys.iter().filter(|key| self.may(key, signature));
        let mut against = None;
        let mut good = None;
        for key in keys {
            for signing in signing_keys(key).filter(|signing| signing.made(signature)) {
                if !signing.verifies(signature, text) {
                    let why =
                        format!("the signature of {named} does not fit its text: it was changed");
                    return Err(Fault::Forged(why));
                }
                let state = signing.state(now);
                match state.and_then(|()| timely(signature, signing.created(), now)) {
                    Ok(()) => good = Some(fingerprint(key)),
                    // One keyring may know of it what another does not.
                    Err(why) if why == REVOKED => return Err(worthless(REVOKED)),
                    Err(why) => against = Some(why),
                }
            }
        }
        let unknown = "is in no keyring that its apt trusts for it";
        good.ok_or_else(|| worthless(against.as_deref().unwrap_or(unknown)))
    }

    /// Whether a key may be the one, by its fingerprint or that of its subkey.
    fn may(&self, key: &SignedPublicKey, signature: &Signature) -> bool {
        let signing: Vec<String> = signing_keys(key)
            .filter(|signing| signing.made(signature))
            .map(|signing| signing.fingerprint())
            .collect();
        let is = |wanted: &String| match wanted.strip_suffix('!') {
            Some(exact) => signing.iter().any(|own| own == exact),
            None => signing.contains(wanted) || fingerprint(key) == *wanted,
        };
        self.only.is_empty() || self.only.iter().any(is)
    }
}

/// Why a signature does not count.
#[derive(Debug)]
enum Fault {
    /// Of a key that is known, and about another text.
    Forged(String),
    Worthless(String),
}

/// Whom a signature names, for people.
fn named(signature: &Signature) -> String {
    let fingerprint = signature
        .issuer_fingerprint()
        .first()
        .map(|own| format!("{own:X}"));
    let id = || {
        signature
            .issuer_key_id()
            .first()
            .map(|id| id.to_string().to_ascii_uppercase())
    };
    match fingerprint.or_else(id) {
        Some(name) => format!("the key {name}"),
        None => "a key without a name".to_owned(),
    }
}

fn fingerprint(key: &impl KeyDetails) -> String {
    format!("{:X}", key.fingerprint())
}

fn is_strong(hash: HashAlgorithm) -> bool {
    use HashAlgorithm::{Sha3_256, Sha3_512, Sha256, Sha384, Sha512};
    matches!(hash, Sha256 | Sha384 | Sha512 | Sha3_256 | Sha3_512)
}

/// Whether a signature holds at a time, and was made when its key was there.
fn timely(signature: &Signature, key: u64, now: u64) -> Result<(), String> {
    let made = signature.created().map(|made| u64::from(made.as_secs()));
    let made = made.ok_or("made a signature without a time")?;
    if made > now + AHEAD {
        return Err(format!(
            "signed in the future ({}): is the clock of this machine right?",
            date::utc(made)
        ));
    }
    if made < key {
        return Err("signed before it was made".into());
    }
    let lasts = signature
        .signature_expiration_time()
        .map_or(0, |lasts| u64::from(lasts.as_secs()));
    match lasts != 0 && made + lasts <= now {
        true => Err(format!(
            "made a signature that expired ({})",
            date::utc(made + lasts)
        )),
        false => Ok(()),
    }
}

/// A key that may sign: a primary one, or one below it.
enum Signing<'k> {
    Primary(&'k SignedPublicKey),
    Sub(&'k SignedPublicKey, &'k SignedPublicSubKey),
}

fn signing_keys(key: &SignedPublicKey) -> impl Iterator<Item = Signing<'_>> {
    let subkeys = key.public_subkeys.iter();
    std::iter::once(Signing::Primary(key)).chain(subkeys.map(move |sub| Signing::Sub(key, sub)))
}

impl Signing<'_> {
    fn details(&self) -> &dyn KeyDetails {
        match self {
            Self::Primary(key) => &key.primary_key,
            Self::Sub(_, sub) => &sub.key,
        }
    }

    fn fingerprint(&self) -> String {
        format!("{:X}", self.details().fingerprint())
    }

    fn created(&self) -> u64 {
        self.details().created_at().as_secs().into()
    }

    /// Whether a signature names it.
    fn made(&self, signature: &Signature) -> bool {
        let own = self.details();
        let fingerprints = signature.issuer_fingerprint();
        match fingerprints.is_empty() {
            true => signature.issuer_key_id().contains(&&own.legacy_key_id()),
            false => fingerprints.contains(&&own.fingerprint()),
        }
    }

    fn verifies(&self, signature: &Signature, text: &[u8]) -> bool {
        match self {
            Self::Primary(key) => signature.verify(&key.primary_key, text),
            Self::Sub(_, sub) => signature.verify(&sub.key, text),
        }
        .is_ok()
    }

    /// Whether it may sign at a time; else why not.
    fn state(&self, now: u64) -> Result<(), String> {
        match self {
            Self::Primary(key) => {
                let own = primary(key, now)?;
                let flags = own.key_flags();
                // Old keys say nothing of what they are for.
                let says = flags.certify() || flags.sign() || flags.encrypt_comms();
                may_sign(flags.sign() || !says)
            }
            Self::Sub(key, sub) => {
                primary(key, now)?;
                may_sign(subkey(key, sub, now)?.key_flags().sign())
            }
        }
    }
}

fn may_sign(may: bool) -> Result<(), String> {
    may.then_some(())
        .ok_or_else(|| "is not meant to sign texts".to_owned())
}

/// What counts of what a key says of itself.
///
/// # Errors
/// Where it is revoked or expired, or says nothing that holds.
fn primary(key: &SignedPublicKey, now: u64) -> Result<&Signature, String> {
    let own = &key.primary_key;
    if own.version() < KeyVersion::V4 {
        return Err("is of a kind that is too old".into());
    }
    let details = &key.details;
    let users = details
        .users
        .iter()
        .flat_map(|user| user.signatures.iter().map(move |one| (user, one)));
    let mut direct = details
        .revocation_signatures
        .iter()
        .chain(&details.direct_signatures);
    let revokes = |one: &Signature| {
        one.typ() == Some(SignatureType::KeyRevocation) && one.verify_key(own).is_ok()
    };
    if direct.any(revokes) || users.clone().any(|(_, one)| revokes(one)) {
        return Err(REVOKED.into());
    }
    let certified = users.filter(|(user, one)| {
        one.is_certification() && one.verify_certification(own, Tag::UserId, &user.id).is_ok()
    });
    let certified = certified.map(|(_, one)| one);
    let direct = details.direct_signatures.iter();
    let direct =
        direct.filter(|one| one.typ() == Some(SignatureType::Key) && one.verify_key(own).is_ok());
    let newest = newest(certified.chain(direct), now);
    let newest = newest.ok_or("has no valid signature of its own")?;
    lasts(own.created_at().as_secs().into(), newest, now)?;
    Ok(newest)
}

/// The same of a key below another.
fn subkey<'k>(
    key: &SignedPublicKey,
    sub: &'k SignedPublicSubKey,
    now: u64,
) -> Result<&'k Signature, String> {
    let above = &key.primary_key;
    let holds = |one: &&Signature| one.verify_subkey_binding(above, &sub.key).is_ok();
    let of = |kind| {
        sub.signatures
            .iter()
            .filter(move |one| one.typ() == Some(kind))
    };
    if of(SignatureType::SubkeyRevocation).any(|one| holds(&one)) {
        return Err(REVOKED.into());
    }
    let bound = newest(of(SignatureType::SubkeyBinding).filter(holds), now);
    let bound = bound.ok_or("is bound to no key")?;
    let agrees = bound.embedded_signature();
    if agrees.is_none_or(|back| back.verify_primary_key_binding(&sub.key, above).is_err()) {
        return Err("does not say itself to which key it belongs".into());
    }
    lasts(sub.key.created_at().as_secs().into(), bound, now)?;
    Ok(bound)
}

/// The one that was made last, of those that were made and hold. Keyrings are trusted as they are: of their own digests only the worst
/// (MD5) is not taken, as gpgv has it.
fn newest<'s>(signatures: impl Iterator<Item = &'s Signature>, now: u64) -> Option<&'s Signature> {
    let weak = |one: &Signature| one.hash_alg().is_none_or(|hash| hash == HashAlgorithm::Md5);
    let holds = |one: &Signature| {
        let made = one.created().map_or(u64::MAX, |made| made.as_secs().into());
        let lasts = one
            .signature_expiration_time()
            .map_or(0, |lasts| u64::from(lasts.as_secs()));
        made <= now.saturating_add(AHEAD) && (lasts == 0 || made + lasts > now)
    };
    let good = signatures.filter(|one| !weak(one) && holds(one));
    good.max_by_key(|one| one.created())
}

/// Whether a key that was made at a time still lasts, by what counts of it.
fn lasts(made: u64, says: &Signature, now: u64) -> Result<(), String> {
    let lasts = says
        .key_expiration_time()
        .map_or(0, |lasts| u64::from(lasts.as_secs()));
    match lasts != 0 && made + lasts <= now {
        true => Err(format!("expired ({})", date::utc(made + lasts))),
        false => Ok(()),
    }
}
