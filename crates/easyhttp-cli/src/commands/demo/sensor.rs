//! The sensor of the demo: it answers FETCH with how this machine is.
//!
//! The readings are those that Linux offers. Elsewhere there are fewer, rather
//! than invented ones.

use std::fmt;
use std::fs;
use std::thread::available_parallelism;

use easyhttp::{Builder, EasyHttpAsync, HandlerError, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::event::{Outcome, Witness};

/// Makes a device the sensor.
pub(super) fn equip(builder: Builder<EasyHttpAsync>, witness: Witness) -> Builder<EasyHttpAsync> {
    builder.on_fetch(move |request| {
        let reading = Reading::take();
        let data = match request.data.value() {
            Value::String(name) => reading.one(&name),
            _ => reading.all(),
        };
        let outcome = match &data {
            Ok(json) => Outcome::Data { json: json.clone(), words: json.to_string() },
            Err(message) => Outcome::Refused(message.clone()),
        };
        witness.saw(&request, "fetch", outcome);
        data.map_err(HandlerError::new)
    })
}

/// How this machine is. What it does not tell is left out.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Reading {
    #[serde(skip_serializing_if = "Option::is_none")]
    processors: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    load: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_used_percent: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature_celsius: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uptime_seconds: Option<u64>,
}

impl Reading {
    fn take() -> Self {
        Self {
            processors: available_parallelism().ok().map(usize::from),
            load: first_number("/proc/loadavg"),
            memory_used_percent: memory_used_percent(),
            temperature_celsius: temperature_celsius(),
            uptime_seconds: first_number("/proc/uptime").map(|seconds| seconds as u64),
        }
    }

    fn all(&self) -> Result<Box<RawValue>, String> {
        to_raw_value(self).map_err(|error| error.to_string())
    }

    fn one(&self, name: &str) -> Result<Box<RawValue>, String> {
        let all = serde_json::to_value(self).map_err(|error| error.to_string())?;
        match all.get(name) {
            Some(value) => to_raw_value(value).map_err(|error| error.to_string()),
            None => {
                let names: Vec<_> =
                    all.as_object().into_iter().flat_map(|all| all.keys()).collect();
                Err(format!("there is no reading {name:?}, there are {names:?}"))
            }
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.load.map(|load| format!("load {load:.2}")));
        parts.extend(self.memory_used_percent.map(|percent| format!("memory {percent:.0} %")));
        parts.extend(self.temperature_celsius.map(|degrees| format!("{degrees:.1} °C")));
        parts.extend(self.uptime_seconds.map(|seconds| format!("up {}", span(seconds))));
        parts.extend(self.processors.map(|count| format!("{count} processors")));
        f.write_str(&parts.join(", "))
    }
}

/// A long time, roughly.
fn span(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn first_number(path: &str) -> Option<f64> {
    fs::read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()
}

fn memory_used_percent() -> Option<f64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kibibytes = |name: &str| -> Option<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    let (total, available) = (kibibytes("MemTotal")?, kibibytes("MemAvailable")?);
    // To a tenth: more digits change with every look.
    Some(((1.0 - available / total) * 1000.0).round() / 10.0)
}

/// That of the warmest zone, which is the processor or close to it.
fn temperature_celsius() -> Option<f64> {
    fs::read_dir("/sys/class/thermal")
        .ok()?
        .filter_map(|zone| fs::read_to_string(zone.ok()?.path().join("temp")).ok())
        .filter_map(|text| text.trim().parse::<f64>().ok())
        .map(|thousandths| thousandths / 1000.0)
        // Zones that measure nothing say 0, or -273.
        .filter(|degrees| (1.0..150.0).contains(degrees))
        .max_by(f64::total_cmp)
}
