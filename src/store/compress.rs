//! How bodies, requests and the like are kept small: zstd, with a dictionary that looks like what is packed.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, LazyLock, RwLock},
};

use sha2::{Digest as _, Sha256};
use zstd::zstd_safe::{CCtx, CDict, DCtx, DDict, get_frame_content_size};

use super::error::StoreError;

/// Every zstd frame begins with these; they are cut off and put back.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// At level 6 values would be one byte in a hundred smaller, and packing would take twice as long.
const LEVEL: i32 = 3;
/// More than anything that is stored; a frame that claims more is not one of ours.
const LARGEST: u64 = 64 << 20;
/// Distinct dictionaries kept prepared. Packs have a few dozen.
const KEPT: usize = 256;

/// Stored as it is.
pub(super) const PLAIN: i32 = 0;
/// Compressed without dictionary.
pub(super) const BARE: i32 = 1;

/// Stands before every pack's sample: the shape of `meta`.
const HEADERS: &[u8] = br#"{"headers":{"accept":"*/*","accept-encoding":"gzip, deflate, br","content-length":"512","host":"localhost","content-type":"application/json; charset=utf-8","user-agent":"Mozilla/5.0 python-requests/2.31.0 node-fetch/1.0 axios/1.6.0","x-request-id":""},"query":{},"ip":"127.0.0.1"}"#;

/// Looks like the rendered requests, replies, step outputs, errors and vars of version 1. Never changed: what was packed with it must open.
const RECORDS: &[u8] = br#"{"reason":"","class":"internal","class":"timeout","class":"status","class":"network","status":null,"message":"the target answered 503 Service Unavailable","attempt":1},"response":{"status":503,"status":201,"status":200,"headers":{"content-length":"512","connection":"keep-alive","date":"Mon, 01 Jan 2024 00:00:00 GMT","server":"nginx","cache-control":"no-cache","etag":"W/","x-request-id":"","x-ratelimit-remaining":"","location":"https://","content-type":"application/json; charset=utf-8"}}}{"result":{"id":"","href":"https://api.groovehq.com/v1/messages/","created_at":"2024-01-01T00:00:00.000Z","updated_at":"2024-01-01 00:00:00 UTC","plain_text_body":"","body":"","note":true,"links":{"author":{"href":"https://api.groovehq.com/v1/agents/"},"ticket":{"href":"https://api.groovehq.com/v1/tickets/"}}},"error":{"step":"do.1","step":"do.0"{"id":null,"name":"","email":"@gmail.com","phone":"+","customer":"","ticket":"","subject":"","state":"opened","type":"","url":"https://www.","text":"","title":"","description":"","channel":"","vars":{}{"headers":[["accept","application/json"],["authorization","Bearer [secret groove_token]"],["content-type","application/json"],["idempotency-key","bw_"],["user-agent","bellwire/0.1"]],"query":[],"body":"{\"method\":\"GET\",\"method\":\"PUT\",\"method\":\"POST\",\"url\":\"https://api.groovehq.com/v1/tickets/","headers":{"content-type":"application/json"},"json":{"body":"Missed call from  on https://www.gruveo.com/@ after  seconds.\n","note":true,"author":null},"body":"{\"body\":\"Missed call from  on https://www.gruveo.com/@ after  seconds.\\n\",\"note\":true}"}"#;
/// The first byte of a packed record: which of the above ways.
const TAG_PLAIN: u8 = 0;
const TAG_RECORDS: u8 = 1;

static OF_RECORDS: LazyLock<Dictionary> = LazyLock::new(|| Dictionary::prepare(RECORDS.to_vec()));

thread_local! {
    static PACKER: RefCell<CCtx<'static>> = RefCell::new(CCtx::create());
    static OPENER: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

/// A dictionary, ready for use in both directions.
pub(super) struct Dictionary {
    pub(super) digest: [u8; 32],
    pub(super) bytes: Vec<u8>,
    packing: CDict<'static>,
    opening: DDict<'static>,
}

impl Dictionary {
    /// Prepares `bytes` as the text that comes before what is packed.
    pub(super) fn prepare(bytes: Vec<u8>) -> Self {
        Self {
            digest: Sha256::digest(&bytes).into(),
            packing: CDict::create(&bytes, LEVEL),
            opening: DDict::create(&bytes),
            bytes,
        }
    }

    fn pack(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut packed = Vec::with_capacity(zstd::zstd_safe::compress_bound(plain.len()));
        let done = PACKER.with_borrow_mut(|packer| packer.compress_using_cdict(&mut packed, plain, &self.packing));
        done.ok()?;
        Some(packed.split_off(MAGIC.len().min(packed.len())))
    }

    /// Opens what was packed with this dictionary.
    pub(super) fn open(&self, packed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let frame = [&MAGIC, packed].concat();
        let mut plain = Vec::with_capacity(size_of_frame(&frame)?);
        OPENER
            .with_borrow_mut(|opener| opener.decompress_using_ddict(&mut plain, &frame, &self.opening))
            .map_err(|code| broken(zstd::zstd_safe::get_error_name(code)))?;
        Ok(plain)
    }
}

fn size_of_frame(frame: &[u8]) -> Result<usize, StoreError> {
    let size = get_frame_content_size(frame).ok().flatten().filter(|size| *size <= LARGEST);
    size.and_then(|size| usize::try_from(size).ok()).ok_or_else(|| broken("its size is not told"))
}

fn broken(why: &str) -> StoreError {
    StoreError::Corrupt(format!("a compressed value does not open: {why}"))
}

/// A dictionary beside the sample it was made of, which is held so that its address is not given to another while it is a key.
type Made = (Arc<[u8]>, Arc<Dictionary>);

/// Prepared dictionaries by the sample they were made of.
#[derive(Default)]
pub(super) struct Dictionaries {
    by_sample: RwLock<HashMap<usize, Made>>,
}

impl Dictionaries {
    /// The dictionary of a pack's sample (which may be empty).
    pub(super) fn of(&self, sample: &Arc<[u8]>) -> Arc<Dictionary> {
        let address = sample.as_ptr() as usize;
        if let Ok(known) = self.by_sample.read()
            && let Some((held, dictionary)) = known.get(&address)
            && held.len() == sample.len()
        {
            return Arc::clone(dictionary);
        }
        let dictionary = Arc::new(Dictionary::prepare([HEADERS, sample].concat()));
        if let Ok(mut known) = self.by_sample.write() {
            if known.len() >= KEPT {
                known.clear();
            }
            known.insert(address, (Arc::clone(sample), Arc::clone(&dictionary)));
        }
        dictionary
    }
}

/// A body as it goes into the table: how it is packed, and the bytes. `None` for the dictionary where none was of use.
pub(super) fn pack_body(dictionary: &Arc<Dictionary>, plain: Vec<u8>) -> (Option<Arc<Dictionary>>, Vec<u8>) {
    match dictionary.pack(&plain) {
        Some(packed) if packed.len() < plain.len() => (Some(Arc::clone(dictionary)), packed),
        _ => (None, plain),
    }
}

/// A small record as it goes into a column.
pub(super) fn pack(plain: &[u8]) -> Vec<u8> {
    let (tag, bytes) = match OF_RECORDS.pack(plain) {
        Some(packed) if packed.len() < plain.len() => (TAG_RECORDS, packed),
        _ => (TAG_PLAIN, plain.to_vec()),
    };
    let mut value = Vec::with_capacity(bytes.len() + 1);
    value.push(tag);
    value.extend(bytes);
    value
}

/// What `pack` was given.
pub(super) fn open(packed: &[u8]) -> Result<Vec<u8>, StoreError> {
    match packed.split_first() {
        Some((&TAG_PLAIN, plain)) => Ok(plain.to_vec()),
        Some((&TAG_RECORDS, rest)) => OF_RECORDS.open(rest),
        Some((other, _)) => Err(broken(&format!("it is marked {other}, which no version wrote"))),
        None => Err(broken("it is empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_opens_again() {
        for plain in [&b""[..], b"x", &[0, 159, 146, 150], &b"abc".repeat(5000), HEADERS] {
            assert_eq!(open(&pack(plain)).unwrap(), plain);
        }
        let dictionary = Arc::new(Dictionary::prepare(HEADERS.to_vec()));
        let (used, packed) = pack_body(&dictionary, HEADERS.to_vec());
        assert!(packed.len() < 40);
        assert_eq!(used.unwrap().open(&packed).unwrap(), HEADERS);
    }

    #[test]
    fn a_flipped_bit_is_an_error_or_another_value_and_never_a_panic() {
        let packed = pack(&RECORDS.repeat(3));
        for place in 0..packed.len() {
            for bit in 0..8 {
                let mut bad = packed.clone();
                bad[place] ^= 1 << bit;
                drop(open(&bad));
            }
        }
    }

    #[test]
    fn one_sample_is_prepared_once() {
        let known = Dictionaries::default();
        let sample: Arc<[u8]> = Arc::from(&b"{}"[..]);
        assert!(Arc::ptr_eq(&known.of(&sample), &known.of(&Arc::clone(&sample))));
    }
}
