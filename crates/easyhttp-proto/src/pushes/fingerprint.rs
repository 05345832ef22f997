//! Whether two PUSHes carry the same data.

use crate::json::Json;

/// A number that is the same for the same text, on every machine, and hardly ever for two
/// texts. It is no proof against somebody who looks for two: they would only deceive
/// themselves.
///
/// Eight bytes at a time, as a message may have a megabyte.
pub fn fingerprint(data: Option<Json<'_>>) -> u64 {
    // Odd, and half of its bits are set: the digits of the golden ratio.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let Some(text) = data.map(Json::get) else { return 0 };
    let mix = |state: u64, word: u64| {
        let mixed = (state ^ word).wrapping_mul(FACTOR);
        mixed ^ (mixed >> 32)
    };
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    let mut state =
        words.iter().fold(mix(FACTOR, length), |s, word| mix(s, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    state = mix(state, u64::from_le_bytes(last));
    mix(state, length)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::format;
    use alloc::string::String;

    use super::*;

    fn of(text: &str) -> u64 {
        fingerprint(Some(Json::read(text, 1).unwrap()))
    }

    #[test]
    fn other_data_has_another_fingerprint() {
        let mut seen = BTreeSet::from([fingerprint(None)]);
        for length in 0..200 {
            assert!(seen.insert(of(&format!("\"{}\"", "x".repeat(length)))));
        }
        for number in 0..20_000 {
            assert!(seen.insert(of(&format!("\"switch {number} on\""))), "{number}");
        }
        // Also where a single letter differs, wherever it stands.
        let text = "a".repeat(100);
        for place in 0..100 {
            let mut other = String::from(&text);
            other.replace_range(place..=place, "b");
            assert!(seen.insert(of(&format!("\"{other}\""))));
        }
    }

    #[test]
    fn it_stays_the_same_from_version_to_version() {
        // It is on the disk of those who keep their memory.
        assert_eq!(of("\"on\""), of(" \"on\" "));
        assert_eq!(format!("{:016x}", of("{}")), "848b2271fc8732a4");
    }
}
