//! Contents that only members can read: `aes128gcm` (RFC 8188), in one record.
//!
//! ```text
//! salt (16)  record size (4)  length of the key's name (1)  its name (8)  encrypted
//! ```

use alloc::string::ToString;
use alloc::vec::Vec;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::keyring::{KeyId, Keyring, Keys, expand};
use super::refusal::Refusal;

/// What `content-encoding` says of an encrypted body.
pub const AES128GCM: &str = "aes128gcm";

/// How many bytes an encrypted body has more than the body itself.
pub const SEALED: usize = HEADER + ID + DELIMITER + TAG;

/// The header without the name of the key.
const HEADER: usize = 16 + 4 + 1;
/// The name of a key.
const ID: usize = 8;
const DELIMITER: usize = 1;
const TAG: usize = 16;

/// What ends the last record, and all others, before their padding.
const LAST: u8 = 2;
const NOT_LAST: u8 = 1;

/// The smallest record that RFC 8188 allows: one byte, the delimiter and the tag.
const LEAST: usize = 1 + DELIMITER + TAG;

impl Keys {
    /// Encrypts a body with 16 random bytes of salt, never used twice.
    pub fn seal(&self, salt: [u8; 16], plain: &[u8]) -> Vec<u8> {
        let id = self.id().to_string();
        // A body is far smaller than 4 GiB.
        let size = LEAST.max(plain.len() + DELIMITER + TAG) as u32;
        let mut sealed = Vec::with_capacity(plain.len() + SEALED);
        sealed.extend_from_slice(&salt);
        sealed.extend_from_slice(&size.to_be_bytes());
        sealed.push(ID as u8);
        sealed.extend_from_slice(id.as_bytes());
        let start = sealed.len();
        sealed.extend_from_slice(plain);
        sealed.push(LAST);
        let content = Cipher::new(self.material(), &salt);
        let tag = content.encrypt(0, &mut sealed[start..]);
        sealed.extend_from_slice(&tag);
        sealed
    }
}

impl Keyring {
    /// Decrypts a body with the key that it names.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownKey`]: that key is none of ours.
    /// [`Refusal::Sealed`]: it is not what that key has encrypted.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, Refusal> {
        let sealed = Sealed::read(sealed).ok_or(Refusal::Sealed)?;
        let id = KeyId::read(sealed.id).ok_or(Refusal::Sealed)?;
        let keys = self.get(id).ok_or(Refusal::UnknownKey(id))?;
        sealed.open(keys.material()).ok_or(Refusal::Sealed)
    }
}

/// An encrypted body in its parts.
struct Sealed<'a> {
    salt: &'a [u8],
    size: usize,
    id: &'a [u8],
    records: &'a [u8],
}

impl<'a> Sealed<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (salt, rest) = bytes.split_at_checked(16)?;
        let (size, rest) = rest.split_first_chunk()?;
        let (id, rest) = rest.split_first()?;
        let (id, records) = rest.split_at_checked(usize::from(*id))?;
        let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
        (size >= LEAST).then_some(Self { salt, size, id, records })
    }

    /// Decrypts all records: others may make more than one.
    fn open(&self, material: &[u8]) -> Option<Vec<u8>> {
        let cipher = Cipher::new(material, self.salt);
        let mut plain = Vec::with_capacity(self.records.len());
        let mut records = self.records.chunks(self.size).enumerate().peekable();
        while let Some((number, record)) = records.next() {
            let (content, tag) = record.split_last_chunk()?;
            let start = plain.len();
            plain.extend_from_slice(content);
            cipher.decrypt(number as u64, &mut plain[start..], tag)?;
            // After the delimiter there may be zeros.
            let end = plain[start..].iter().rposition(|byte| *byte != 0)? + start;
            let delimiter = if records.peek().is_none() { LAST } else { NOT_LAST };
            if plain[end] != delimiter {
                return None;
            }
            plain.truncate(end);
        }
        (!self.records.is_empty()).then_some(plain)
    }
}

/// The cipher of one body.
struct Cipher {
    content: Aes128Gcm,
    nonce: Zeroizing<[u8; 12]>,
}

impl Cipher {
    fn new(material: &[u8], salt: &[u8]) -> Self {
        let derived = Hkdf::<Sha256>::new(Some(salt), material);
        let key = expand::<16>(&derived, b"Content-Encoding: aes128gcm\0");
        Self {
            content: Aes128Gcm::new((&*key).into()),
            nonce: expand(&derived, b"Content-Encoding: nonce\0"),
        }
    }

    fn encrypt(&self, number: u64, bytes: &mut [u8]) -> [u8; TAG] {
        let tag = self.content.encrypt_inout_detached(&self.nonce(number), b"", bytes.into());
        tag.expect("a record is shorter than 64 GB").into()
    }

    fn decrypt(&self, number: u64, bytes: &mut [u8], tag: &[u8; TAG]) -> Option<()> {
        let tag: &Tag = tag.into();
        self.content.decrypt_inout_detached(&self.nonce(number), b"", bytes.into(), tag).ok()
    }

    /// That of a record.
    fn nonce(&self, number: u64) -> Nonce<aes_gcm::aead::consts::U12> {
        let mut nonce = *self.nonce;
        for (byte, part) in nonce[4..].iter_mut().zip(number.to_be_bytes()) {
            *byte ^= part;
        }
        nonce.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secure::base64;

    /// RFC 8188, 3.1.
    #[test]
    fn the_first_vector_of_rfc_8188() {
        let material: [u8; 16] = base64::read_url(b"yqdlZ-tYemfogSmv7Ws5PQ").unwrap();
        let bytes: [u8; 53] = base64::read_url(
            b"I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg",
        )
        .unwrap();
        let sealed = Sealed::read(&bytes).unwrap();
        assert_eq!((sealed.size, sealed.id), (4096, &b""[..]));
        assert_eq!(sealed.open(&material).unwrap(), b"I am the walrus");

        let cipher = Cipher::new(&material, sealed.salt);
        let mut record = *b"I am the walrus\x02";
        let tag = cipher.encrypt(0, &mut record);
        assert_eq!([&record[..], &tag].concat(), sealed.records);
    }

    /// RFC 8188, 3.2: two records, the first with a byte of padding.
    #[test]
    fn the_second_vector_of_rfc_8188() {
        let material: [u8; 16] = base64::read_url(b"BO3ZVPxUlnLORbVGMpbT1Q").unwrap();
        let bytes: [u8; 73] = base64::read_url(
            b"uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLWIqS_uA",
        )
        .unwrap();
        let sealed = Sealed::read(&bytes).unwrap();
        assert_eq!((sealed.size, sealed.id), (25, &b"a1"[..]));
        assert_eq!(sealed.open(&material).unwrap(), b"I am the walrus");
        // Without its end, or with its parts in another order.
        for records in [&sealed.records[..25], &sealed.records[25..]] {
            assert!(Sealed { records, ..sealed }.open(&material).is_none());
        }
    }
}
