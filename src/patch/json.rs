//! JSON that is edited and not typed anew: what is not changed keeps its bytes, whatever it is.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object: its members in their order, each value as it is written.
#[derive(Debug, Default)]
pub(super) struct Object(Vec<(String, String)>);

impl Object {
    /// Reads one; `null` has no members.
    ///
    /// # Errors
    /// Where it is something else.
    pub(super) fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<Option<Self>>(text).map(Option::unwrap_or_default)
    }

    /// The value of a member, as it is written; of several the last one counts, as everywhere.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut members = self.0.iter().rev();
        members
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// The text of a member that is one.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// The object in a member; one without members where there is none.
    ///
    /// # Errors
    /// Where it is something else.
    pub(super) fn object(&self, name: &str) -> Result<Self, serde_json::Error> {
        Self::read(self.get(name).unwrap_or("null"))
    }

    /// The list in a member; an empty one where there is none.
    ///
    /// # Errors
    /// Where it is something else.
    pub(super) fn list(&self, name: &str) -> Result<List, serde_json::Error> {
        List::read(self.get(name).unwrap_or("null"))
    }

    /// Gives a member that value, in its place; a new one comes last.
    pub(super) fn set(&mut self, name: &str, value: impl fmt::Display) {
        let value = value.to_string();
        match self.0.iter_mut().rev().find(|(own, _)| own == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Takes a member away.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(own, _)| own != name);
    }

    /// The same with a text as its value.
    pub(super) fn set_text(&mut self, name: &str, value: &str) {
        self.set(name, quoted(value));
    }
}

impl fmt::Display for Object {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("{")?;
        for (at, (name, value)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(out, "{comma}{}:{value}", quoted(name))?;
        }
        out.write_str("}")
    }
}

/// A list: its values in their order, each as it is written.
#[derive(Debug, Default)]
pub(super) struct List(pub(super) Vec<String>);

impl List {
    /// Reads one; `null` is an empty one.
    ///
    /// # Errors
    /// Where it is something else.
    pub(super) fn read(text: &str) -> Result<Self, serde_json::Error> {
        let values: Option<Vec<&RawValue>> = serde_json::from_str(text)?;
        let values = values.unwrap_or_default().into_iter();
        Ok(Self(values.map(|value| value.get().to_owned()).collect()))
    }
}

impl fmt::Display for List {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "[{}]", self.0.join(","))
    }
}

/// A text as JSON has it.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    members.push((name, value.get().to_owned()));
                }
                Ok(Object(members))
            }
        }
        from.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_keeps_its_bytes() {
        let text = r#"{ "n": 1.50, "big":123456789012345678901234567890, "u":"\u003ca\u003e", "o": {"b" : [ 1 , 2 ],"a":null}, "n2":1e5 }"#;
        let mut object = Object::read(text).unwrap();
        object.set("n2", 2);
        object.set_text("new", "a\"b");
        assert_eq!(
            object.to_string(),
            r#"{"n":1.50,"big":123456789012345678901234567890,"u":"\u003ca\u003e","o":{"b" : [ 1 , 2 ],"a":null},"n2":2,"new":"a\"b"}"#
        );
        assert_eq!(object.text("u").as_deref(), Some("<a>"));
        assert_eq!(object.object("o").unwrap().list("b").unwrap().0, ["1", "2"]);
        assert!(object.object("absent").unwrap().to_string() == "{}");
    }

    #[test]
    fn what_is_something_else_is_refused() {
        assert!(Object::read("[]").is_err());
        assert!(List::read("{}").is_err());
        assert!(Object::read(r#"{"a":}"#).is_err());
        assert_eq!(List::read("null").unwrap().to_string(), "[]");
    }
}
