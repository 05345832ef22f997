//! Structured fields (RFC 8941), as far as signatures need them: dictionaries of byte
//! sequences, and of lists of strings.
//!
//! A signature covers its own parameters as they were sent, so what could be written
//! in two ways is taken in one only: no spaces but one between two components, and
//! none around parameters. That is how everybody's libraries write it. Any bytes give
//! a value or none.

/// What is between the members of a dictionary besides the comma.
const SPACE: [u8; 2] = [b' ', b'\t'];

/// Reads all members of a dictionary: the label, an equals sign, and what `read` finds.
/// None if it is not one, or if `each` says so.
pub(super) fn dictionary<'a, T>(
    field: &'a [u8],
    read: impl Fn(&mut Cursor<'a>) -> Option<T>,
    mut each: impl FnMut(&'a str, T) -> Option<()>,
) -> Option<()> {
    let mut cursor = Cursor { bytes: field, at: 0 };
    loop {
        let label = cursor.key()?;
        cursor.take(b'=')?;
        each(label, read(&mut cursor)?)?;
        cursor.skip(|byte| SPACE.contains(&byte));
        if cursor.at == field.len() {
            return Some(());
        }
        cursor.take(b',')?;
        cursor.skip(|byte| SPACE.contains(&byte));
    }
}

/// What a signature covers, and how it was made: one member of `Signature-Input`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a> {
    /// All of it, as it was sent.
    pub(super) text: &'a str,
    /// What is between the parentheses.
    components: &'a str,
    pub(super) parameters: Parameters<'a>,
}

/// The parameters that mean something here; others may be there.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parameters<'a> {
    pub(super) nonce: Option<&'a str>,
    pub(super) keyid: Option<&'a str>,
    pub(super) alg: Option<&'a str>,
    pub(super) tag: Option<&'a str>,
}

impl<'a> Input<'a> {
    /// The components as they were sent: a name in quotes, perhaps with parameters.
    pub(super) fn components(&self) -> impl Iterator<Item = &'a str> {
        // No space is within: that is none of a name, and parameters are checked.
        self.components.split(' ').filter(|it| !it.is_empty())
    }
}

/// A value of a parameter.
enum Bare<'a> {
    Text(&'a str),
    Other,
}

/// Where in a field one is.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// A byte sequence: what is between its colons.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        self.take(b':')?;
        let text = self.skip(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
        self.take(b':')?;
        Some(text)
    }

    /// A list of components with its parameters.
    pub(super) fn input(&mut self) -> Option<Input<'a>> {
        let start = self.at;
        self.take(b'(')?;
        let inside = self.at;
        while self.peek() != Some(b')') {
            if self.at > inside {
                self.take(b' ')?;
            }
            self.component()?;
        }
        let components = self.since(inside);
        self.take(b')')?;

        let mut parameters = Parameters::default();
        self.parameters(|name, value| {
            let known = match name {
                "nonce" => &mut parameters.nonce,
                "keyid" => &mut parameters.keyid,
                "alg" => &mut parameters.alg,
                "tag" => &mut parameters.tag,
                _ => return Some(()),
            };
            let Bare::Text(text) = value else { return None };
            known.replace(text).is_none().then_some(())
        })?;
        Some(Input { text: text(self.since(start)), components: text(components), parameters })
    }

    /// A name in quotes and its parameters, in which no space may be.
    fn component(&mut self) -> Option<()> {
        let start = self.at;
        self.string()?;
        self.parameters(|_, _| Some(()))?;
        (!self.since(start).contains(&b' ')).then_some(())
    }

    fn parameters(&mut self, mut each: impl FnMut(&'a str, Bare<'a>) -> Option<()>) -> Option<()> {
        while self.peek() == Some(b';') {
            self.at += 1;
            let name = self.key()?;
            let value = match self.peek() {
                Some(b'=') => {
                    self.at += 1;
                    self.bare()?
                }
                _ => Bare::Other,
            };
            each(name, value)?;
        }
        Some(())
    }

    fn bare(&mut self) -> Option<Bare<'a>> {
        match self.peek()? {
            b'"' => return self.string().map(Bare::Text),
            b':' => drop(self.bytes()?),
            b'?' => {
                self.at += 1;
                matches!(self.peek()?, b'0' | b'1').then(|| self.at += 1)?;
            }
            b'-' | b'0'..=b'9' => self.number()?,
            b'a'..=b'z' | b'A'..=b'Z' | b'*' => {
                self.skip(|byte| {
                    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte)
                });
            }
            _ => return None,
        }
        Some(Bare::Other)
    }

    /// As many digits as RFC 8941 allows: 15, or 12 and three.
    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.skip(|byte| byte.is_ascii_digit()).len();
        if self.peek() != Some(b'.') {
            return (1..=15).contains(&whole).then_some(());
        }
        self.at += 1;
        let rest = self.skip(|byte| byte.is_ascii_digit()).len();
        ((1..=12).contains(&whole) && (1..=3).contains(&rest)).then_some(())
    }

    /// A string: what is between its quotes, with its escapes.
    fn string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    matches!(self.peek()?, b'"' | b'\\').then_some(())?;
                }
                b' '..=b'~' => {}
                _ => return None,
            }
            self.at += 1;
        }
        let inside = self.since(start);
        self.at += 1;
        Some(text(inside))
    }

    fn key(&mut self) -> Option<&'a str> {
        matches!(self.peek()?, b'a'..=b'z' | b'*').then_some(())?;
        let key =
            self.skip(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*'));
        Some(text(key))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn skip(&mut self, is_part: impl Fn(u8) -> bool) -> &'a [u8] {
        let start = self.at;
        while self.peek().is_some_and(&is_part) {
            self.at += 1;
        }
        self.since(start)
    }

    fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }
}

/// Each byte was seen to be ASCII, so the default is never taken.
fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}

/// The only string that a field consists of.
pub(super) fn string(field: &[u8]) -> Option<&str> {
    let mut cursor = Cursor { bytes: field, at: 0 };
    let inside = cursor.string()?;
    (cursor.at == field.len()).then_some(inside)
}

/// The only byte sequence that a field consists of.
pub(super) fn bytes(field: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor { bytes: field, at: 0 };
    let inside = cursor.bytes()?;
    (cursor.at == field.len()).then_some(inside)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn inputs(field: &str) -> Option<Vec<(&str, Input<'_>)>> {
        let mut all = Vec::new();
        dictionary(field.as_bytes(), Cursor::input, |label, input| {
            all.push((label, input));
            Some(())
        })?;
        Some(all)
    }

    #[test]
    fn what_is_covered_is_found_with_its_parameters() {
        let field = r#"net=("@status" "signature";req;key="net");tag="a";x;created=-1;y=?1;nonce="n",  b=();z=:YQ==:;w=1.5;v=tok/en"#;
        let all = inputs(field).unwrap();
        let [(first, net), (second, b)] = all[..] else { panic!("{all:?}") };
        assert_eq!((first, second), ("net", "b"));
        let components: Vec<_> = net.components().collect();
        assert_eq!(components, [r#""@status""#, r#""signature";req;key="net""#]);
        assert_eq!((net.parameters.tag, net.parameters.nonce), (Some("a"), Some("n")));
        assert!(net.text.starts_with(r#"("@status" "#) && net.text.ends_with(r#"nonce="n""#));
        assert_eq!((b.components().count(), b.text), (0, "();z=:YQ==:;w=1.5;v=tok/en"));
    }

    #[test]
    fn what_could_be_written_otherwise_is_refused() {
        for field in [
            "",
            "net",
            "net=",
            "net=(",
            "net=()x",
            "net=(),",
            "net=();",
            "net=() ;a",
            "net=(); a",
            "net=( )",
            r#"net=("a"  "b")"#,
            r#"net=( "a")"#,
            r#"net=("a" )"#,
            r#"net=("a""b")"#,
            r#"net=("a b")"#,
            r#"net=("a";x="b c")"#,
            r#"net=("a);tag="b"#,
            r#"net=();tag=b"#,
            r#"net=();tag"#,
            r#"net=();tag="a";tag="a""#,
            r#"net=();tag="\a""#,
            "net=();tag=\"\u{e9}\"",
            "net=();a=1234567890123456",
            "net=();a=1.",
            "net=();a=?2",
            "net=();a=:a",
            "Net=()",
            "net =()",
            "net= ()",
        ] {
            assert!(inputs(field).is_none(), "{field}");
        }
    }
}
