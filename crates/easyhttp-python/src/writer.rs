//! Python values as JSON text.
//!
//! Text is all that travels between the library and Python, so there is no tree of
//! values in between.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::value::RawValue;

/// How deep data may nest: a message may nest 128 levels, itself included.
const DEPTH: usize = 127;

/// Writes a value as JSON. An error names the path to what is wrong, which begins
/// with `name`: `data.readings[3]: set is not JSON-serialisable`.
pub(crate) fn to_json(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Box<RawValue>> {
    let mut json = String::new();
    write(&mut json, value, 0).map_err(|wrong| wrong.raise(name))?;
    RawValue::from_string(json).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// What JSON cannot say, and where it is. The innermost step of the path is first:
/// the path is gathered on the way back, and so costs nothing where all is well.
struct Wrong {
    what: What,
    path: Vec<String>,
}

enum What {
    Type(String),
    Value(String),
}

impl Wrong {
    fn ty(text: String) -> Self {
        Self { what: What::Type(text), path: Vec::new() }
    }

    fn value(text: impl Into<String>) -> Self {
        Self { what: What::Value(text.into()), path: Vec::new() }
    }

    fn at(mut self, step: String) -> Self {
        self.path.push(step);
        self
    }

    fn raise(self, name: &str) -> PyErr {
        const SHOWN: usize = 12;
        let dots = if self.path.len() > SHOWN { "…" } else { "" };
        let path: String = self.path.into_iter().take(SHOWN).rev().collect();
        match self.what {
            What::Type(text) => PyTypeError::new_err(format!("{name}{dots}{path}: {text}")),
            What::Value(text) => PyValueError::new_err(format!("{name}{dots}{path}: {text}")),
        }
    }
}

fn write(json: &mut String, value: &Bound<'_, PyAny>, depth: usize) -> Result<(), Wrong> {
    // True and False are numbers, too: they come first.
    if value.is_none() {
        json.push_str("null");
    } else if let Ok(truth) = value.cast::<PyBool>() {
        json.push_str(if truth.is_true() { "true" } else { "false" });
    } else if let Ok(text) = value.cast::<PyString>() {
        write_text(json, text)?;
    } else if let Ok(number) = value.cast::<PyInt>() {
        json.push_str(&whole(number)?);
    } else if let Ok(number) = value.cast::<PyFloat>() {
        json.push_str(&fraction(number)?);
    } else if let Ok(list) = value.cast::<PyList>() {
        write_items(json, list.iter(), depth)?;
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        write_items(json, tuple.iter(), depth)?;
    } else if let Ok(dict) = value.cast::<PyDict>() {
        write_dict(json, dict, depth)?;
    } else {
        return Err(Wrong::ty(format!("{} is not JSON-serialisable", type_name(value))));
    }
    Ok(())
}

fn write_items<'py>(
    json: &mut String,
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    depth: usize,
) -> Result<(), Wrong> {
    let depth = deeper(depth)?;
    json.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            json.push(',');
        }
        write(json, &item, depth).map_err(|wrong| wrong.at(format!("[{index}]")))?;
    }
    json.push(']');
    Ok(())
}

fn write_dict(json: &mut String, dict: &Bound<'_, PyDict>, depth: usize) -> Result<(), Wrong> {
    let depth = deeper(depth)?;
    json.push('{');
    for (index, (key, value)) in dict.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        write_key(json, &key)?;
        json.push(':');
        write(json, &value, depth).map_err(|wrong| wrong.at(step(&key)))?;
    }
    json.push('}');
    Ok(())
}

/// The keys that Python's `json` takes as well: those that are not texts become some.
fn write_key(json: &mut String, key: &Bound<'_, PyAny>) -> Result<(), Wrong> {
    let text = if let Ok(text) = key.cast::<PyString>() {
        return write_text(json, text);
    } else if key.is_none() {
        "null".to_owned()
    } else if let Ok(truth) = key.cast::<PyBool>() {
        truth.is_true().to_string()
    } else if let Ok(number) = key.cast::<PyInt>() {
        whole(number)?
    } else if let Ok(number) = key.cast::<PyFloat>() {
        fraction(number)?
    } else {
        return Err(Wrong::ty(format!("a key is a {}, and JSON's keys are texts", type_name(key))));
    };
    json.push('"');
    json.push_str(&text);
    json.push('"');
    Ok(())
}

fn write_text(json: &mut String, text: &Bound<'_, PyString>) -> Result<(), Wrong> {
    let text = text.to_cow().map_err(|_| {
        Wrong::value("a text with half a character (a lone surrogate) has no UTF-8")
    })?;
    if text.bytes().any(|byte| matches!(byte, 0..0x20 | b'"' | b'\\')) {
        let quoted = serde_json::to_string(&*text);
        json.push_str(&quoted.map_err(|error| Wrong::value(error.to_string()))?);
    } else {
        json.push('"');
        json.push_str(&text);
        json.push('"');
    }
    Ok(())
}

fn whole(number: &Bound<'_, PyInt>) -> Result<String, Wrong> {
    if let Ok(number) = number.extract::<i64>() {
        return Ok(number.to_string());
    }
    match number.extract::<u64>() {
        Ok(number) => Ok(number.to_string()),
        Err(_) => Err(Wrong::value("a whole number beyond 64 bits, which devices cannot read")),
    }
}

fn fraction(number: &Bound<'_, PyFloat>) -> Result<String, Wrong> {
    let number = number.value();
    if !number.is_finite() {
        let name = if number.is_nan() { "nan" } else { "an infinite number" };
        return Err(Wrong::value(format!("JSON has no word for {name}")));
    }
    serde_json::to_string(&number).map_err(|error| Wrong::value(error.to_string()))
}

fn deeper(depth: usize) -> Result<usize, Wrong> {
    if depth == DEPTH {
        return Err(Wrong::value(format!("nested deeper than {DEPTH} levels, or holding itself")));
    }
    Ok(depth + 1)
}

/// A step of a path: `.readings`, or `["two words"]`.
fn step(key: &Bound<'_, PyAny>) -> String {
    let is_name =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    match key.extract::<String>() {
        Ok(text) if is_name(&text) => format!(".{text}"),
        _ => format!("[{}]", key.repr().map_or_else(|_| "?".to_owned(), |repr| repr.to_string())),
    }
}

fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "it".to_owned(), |name| name.to_string())
}
