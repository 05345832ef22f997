//! The text that is signed (RFC 9421, 2.5): a line for each thing that is covered, and
//! last what the signature says of itself.
//!
//! ```text
//! "@method": POST
//! "@path": /easyhttp/api
//! "content-type": application/json
//! "@signature-params": ("@method" "@path" "content-type");created=1795340273;…
//! ```
//!
//! Lines end in a line feed, but for the last one, which ends in nothing.

use alloc::string::String;
use alloc::vec::Vec;

use crate::http::Fields;

/// Adds the line of a component, which is a name in quotes, perhaps with parameters.
pub(super) fn cover(base: &mut Vec<u8>, component: &str, value: &[u8]) {
    for part in [component.as_bytes(), b": ", value, b"\n"] {
        base.extend_from_slice(part);
    }
}

/// Adds the last line: the covered components and the parameters, as they are sent.
pub(super) fn close(base: &mut Vec<u8>, input: &str) {
    base.extend_from_slice(b"\"@signature-params\": ");
    base.extend_from_slice(input.as_bytes());
}

/// The name of a component that is a field, without its quotes.
pub(super) fn field_name(component: &str) -> Option<&str> {
    let name = component.strip_prefix('"')?.strip_suffix('"')?;
    let is_token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (!name.is_empty() && name.bytes().all(is_token)).then_some(name)
}

/// A message that is being signed: what it says in its head, and what is covered.
#[derive(Debug)]
pub(super) struct Draft {
    base: Vec<u8>,
    components: String,
    /// The lines for the head.
    pub(super) fields: String,
}

impl Draft {
    pub(super) fn new() -> Self {
        // More than the usual ones have, so that nothing is copied twice.
        Self {
            base: Vec::with_capacity(768),
            components: String::with_capacity(128),
            fields: String::with_capacity(512),
        }
    }

    /// Covers this, which stands elsewhere in the head. Its component is given in quotes.
    pub(super) fn cover(&mut self, component: &str, value: &[u8]) {
        cover(&mut self.base, component, value);
        self.components.push(if self.components.is_empty() { '(' } else { ' ' });
        self.components.push_str(component);
    }

    /// Adds a field and covers it.
    pub(super) fn field(&mut self, name: &str, value: &str) {
        self.add(name, value);
        cover(&mut self.base, &alloc::format!("\"{name}\""), value.as_bytes());
        for part in [if self.components.is_empty() { "(\"" } else { " \"" }, name, "\""] {
            self.components.push_str(part);
        }
    }

    /// Adds a field that is not covered.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        for part in [name, ": ", value, "\r\n"] {
            self.fields.push_str(part);
        }
    }

    /// What `Signature-Input` says of a signature with these parameters, and the text
    /// to be signed.
    pub(super) fn input(&self, parameters: &str) -> (String, Vec<u8>) {
        let input = alloc::format!("{}){parameters}", self.components);
        let mut base = self.base.clone();
        close(&mut base, &input);
        (input, base)
    }
}

/// The value of a field that must be there once, or not at all: with two, somebody
/// could read the other one. `Err` if there are more.
pub(super) fn at_most_one<'a>(fields: Fields<'a>, name: &str) -> Result<Option<&'a [u8]>, ()> {
    let mut all = fields.all(name);
    match (all.next(), all.next()) {
        (_, Some(_)) => Err(()),
        (value, None) => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use hmac::Mac;

    use super::*;
    use crate::secure::base64;
    use crate::secure::keyring::keyed;

    /// RFC 9421, B.2.5: signing a request with hmac-sha256.
    #[test]
    fn the_vector_of_rfc_9421() {
        let mut draft = Draft::new();
        draft.field("date", "Tue, 20 Apr 2021 02:07:55 GMT");
        draft.cover("\"@authority\"", b"example.com");
        draft.cover("\"content-type\"", b"application/json");
        let (input, text) = draft.input(";created=1618884473;keyid=\"test-shared-secret\"");
        let expected = "(\"date\" \"@authority\" \"content-type\");created=1618884473;\
                        keyid=\"test-shared-secret\"";
        assert_eq!(input, expected);
        assert_eq!(
            core::str::from_utf8(&text).unwrap(),
            "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\
             \"@authority\": example.com\n\
             \"content-type\": application/json\n\
             \"@signature-params\": (\"date\" \"@authority\" \"content-type\")\
             ;created=1618884473;keyid=\"test-shared-secret\""
        );
        let key: [u8; 64] = base64::read(
            b"uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==",
        )
        .unwrap();
        let signature =
            base64::read::<32>(b"pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=").unwrap();
        assert!(keyed(&key).chain_update(&text).verify(&signature.into()).is_ok());
    }
}
