//! What comes by multicast: any bytes give a datagram or the reason why not,
//! and a datagram means the same when it is sent on.
#![no_main]

use easyhttp_proto::datagram::Datagram;
use easyhttp_proto::limits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Datagram::decode(bytes) {
        Ok(datagram) => {
            let sent = datagram.encode();
            assert!(sent.len() <= limits::DATAGRAM_SENT, "it does not fit: {datagram:?}");
            assert_eq!(Datagram::decode(&sent), Ok(datagram));
        }
        Err(malformed) => assert!(!malformed.to_string().is_empty()),
    }
});
