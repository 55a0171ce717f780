//! The bytes of a request.

use super::Settings;
use super::target::Target;

/// What a request says besides the page that it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    name: String,
    value: String,
}

impl Header {
    /// Reads `Name: value`.
    ///
    /// # Errors
    /// In words for people.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let pair = text.split_once(':');
        let (name, value) = pair.ok_or_else(|| format!("`{text}`: write `Name: value`"))?;
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(token) {
            return Err(format!(
                "`{name}` is no name of a header: write `Name: value`"
            ));
        }
        let value = value.trim();
        if value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(format!("the value of `{name}` holds a control character"));
        }
        if ["connection", "content-length", "transfer-encoding"]
            .contains(&name.to_ascii_lowercase().as_str())
        {
            return Err(format!(
                "`{name}` is not yours to set: requests have no body, and `--keep-alive` says what becomes of connections"
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// How requests of these settings for this page look.
#[derive(Clone, Debug)]
pub(super) struct Request {
    target: Target,
    rest: String,
}

impl Request {
    pub(super) fn of(settings: &Settings, target: &Target) -> Self {
        let own = |name: &str| {
            settings
                .headers
                .iter()
                .any(|header| header.name.eq_ignore_ascii_case(name))
        };
        let host = target.origin.as_ref().map(ToString::to_string);
        let keep = if settings.keep_alive {
            "keep-alive"
        } else {
            "close"
        };
        let defaults = [
            ("Host", host.as_deref().unwrap_or_default()),
            ("User-Agent", "malloclint"),
            ("Accept", "*/*"),
            ("Connection", keep),
        ];
        let mut rest = String::from(" HTTP/1.1\r\n");
        let defaults = defaults.into_iter().filter(|(name, _)| !own(name));
        let given = settings
            .headers
            .iter()
            .map(|header| (header.name.as_str(), header.value.as_str()));
        for (name, value) in defaults.chain(given) {
            rest.push_str(&format!("{name}: {value}\r\n"));
        }
        rest.push_str("\r\n");
        Self {
            target: target.clone(),
            rest,
        }
    }

    /// The bytes of the request of that number.
    pub(super) fn bytes(&self, number: u64) -> Vec<u8> {
        let path = self.target.path_of(number);
        ["GET ", path.as_ref(), &self.rest].concat().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Amount, Settings};
    use super::*;

    #[test]
    fn headers_of_ones_own_take_the_place_of_others() {
        let target = Target::parse("http://localhost:8000/a?{number}").unwrap();
        let settings = Settings {
            targets: vec![target.clone()],
            connections: 1,
            rate: None,
            keep_alive: false,
            headers: ["host:  example.com ", "X-A:b:c"]
                .map(|text| Header::parse(text).unwrap())
                .into(),
            amount: Amount::Requests(1),
        };
        let bytes = Request::of(&settings, &target).bytes(4);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "GET /a?4 HTTP/1.1\r\nUser-Agent: malloclint\r\nAccept: */*\r\nConnection: close\r\nhost: example.com\r\nX-A: b:c\r\n\r\n"
        );
        let plain = Settings {
            headers: Vec::new(),
            keep_alive: true,
            ..settings
        };
        let text = String::from_utf8(Request::of(&plain, &target).bytes(0)).unwrap();
        assert!(
            text.contains("\r\nHost: localhost:8000\r\n")
                && text.contains("\r\nConnection: keep-alive\r\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for (text, said) in [
            ("nonsense", "write `Name: value`"),
            (": x", "is no name of a header"),
            ("a b: x", "is no name of a header"),
            ("A: x\r\nB: y", "holds a control character"),
            ("Connection: close", "not yours to set"),
            ("content-length: 3", "not yours to set"),
        ] {
            let error = Header::parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
