//! JSON text as Python values, made as it is read.
//!
//! A call between two Python devices takes 28 µs so, and 34 with Python's own `json`.
//! What is rare, such as whole numbers beyond 64 bits, is left to that one.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

/// How deep values may nest here: as deep as a message.
const DEPTH: usize = 128;

/// Reads JSON as Python's `json.loads` does.
pub(crate) fn from_json<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let mut reader = Reader { py, json, at: 0 };
    match reader.value(DEPTH).filter(|_| reader.next().is_none()) {
        Some(value) => Ok(value),
        None => LOADS.import(py, "json", "loads")?.call1((json,)),
    }
}

/// JSON that becomes a Python value when somebody takes it.
pub(crate) struct Json(pub(crate) Box<str>);

impl<'py> IntoPyObject<'py> for Json {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        from_json(py, &self.0)
    }
}

/// Where in a text it is. What it gives is None if `json.loads` has to read the text.
struct Reader<'a, 'py> {
    py: Python<'py>,
    json: &'a str,
    at: usize,
}

impl<'py> Reader<'_, 'py> {
    /// The value that begins here, of at most so many levels.
    fn value(&mut self, levels: usize) -> Option<Bound<'py, PyAny>> {
        match self.next()? {
            b'{' => self.dict(levels.checked_sub(1)?),
            b'[' => self.list(levels.checked_sub(1)?),
            b'"' => Some(self.text()?.into_any()),
            b't' => self.word("true", PyBool::new(self.py, true).to_owned().into_any()),
            b'f' => self.word("false", PyBool::new(self.py, false).to_owned().into_any()),
            b'n' => self.word("null", self.py.None().into_bound(self.py)),
            _ => self.number(),
        }
    }

    fn dict(&mut self, levels: usize) -> Option<Bound<'py, PyAny>> {
        let dict = PyDict::new(self.py);
        self.items(b'}', |reader| {
            let key = reader.text()?;
            reader.skip(b':')?;
            dict.set_item(key, reader.value(levels)?).ok()
        })?;
        Some(dict.into_any())
    }

    fn list(&mut self, levels: usize) -> Option<Bound<'py, PyAny>> {
        let mut values = Vec::new();
        self.items(b']', |reader| {
            values.push(reader.value(levels)?);
            Some(())
        })?;
        Some(PyList::new(self.py, values).ok()?.into_any())
    }

    /// What stands between brackets, with commas.
    fn items(&mut self, end: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        if self.next()? == end {
            return self.skip(end);
        }
        loop {
            item(self)?;
            match self.next()? {
                b',' => self.at += 1,
                _ => return self.skip(end),
            }
        }
    }

    fn text(&mut self) -> Option<Bound<'py, PyString>> {
        self.skip(b'"')?;
        let rest = &self.json[self.at..];
        let end = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if rest.as_bytes()[end] == b'"' {
            self.at += end + 1;
            return Some(PyString::new(self.py, &rest[..end]));
        }
        self.escaped()
    }

    /// The rest of a text in which something is escaped. One with half a character,
    /// which Python may have, is left to it.
    fn escaped(&mut self) -> Option<Bound<'py, PyString>> {
        let mut texts = serde_json::Deserializer::from_str(&self.json[self.at - 1..]).into_iter();
        let text: String = texts.next()?.ok()?;
        self.at += texts.byte_offset() - 1;
        Some(PyString::new(self.py, &text))
    }

    fn number(&mut self) -> Option<Bound<'py, PyAny>> {
        let rest = &self.json[self.at..];
        let is_part = |byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let end = rest.bytes().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        self.at += end;
        let number = &rest[..end];
        if let Ok(whole) = number.parse::<i64>() {
            return Some(PyInt::new(self.py, whole).into_any());
        }
        let is_fraction = number.contains(['.', 'e', 'E']);
        let fraction = is_fraction.then(|| number.parse().ok())??;
        Some(PyFloat::new(self.py, fraction).into_any())
    }

    fn word(&mut self, word: &str, value: Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        self.json[self.at..].starts_with(word).then(|| self.at += word.len())?;
        Some(value)
    }

    /// The next byte that is no space.
    fn next(&mut self) -> Option<u8> {
        loop {
            match self.json.as_bytes().get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.at += 1)
    }
}
