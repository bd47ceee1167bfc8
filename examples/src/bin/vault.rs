//! Runs whose bytes are compressed and encrypted in the store, under keys that are changed from time to time.
//!
//! ```text
//! KEY="november=$(openssl rand -hex 32)"
//! cargo run --bin vault -- --key "$KEY" "meet me at noon"      # stop it while it sleeps, and call it again
//! strings vault.db | grep noon                                 # finds nothing
//! ```
//!
//! The first `--key` is the one that is written under; the others are for what was written before. Once no run is left that was
//! written under a key, it can go.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use bytes::Bytes;
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, Generate, KeyInit, Payload},
};
use clap::Parser;
use refluxo::{
    prelude::*,
    store::{Codec, CodecError, Coded, Place},
};

/// The format of what is stored: this byte, the length of the key's name, the name, the nonce, and what the cipher made.
const FORMAT: u8 = 1;

/// How many bytes a nonce has: enough that a random one never comes twice.
const NONCE: usize = 24;

/// A key and its name.
struct Key {
    name: String,
    cipher: XChaCha20Poly1305,
}

impl Key {
    fn new(name: &str, secret: [u8; 32]) -> Self {
        Self { name: name.to_owned(), cipher: XChaCha20Poly1305::new(&secret.into()) }
    }
}

/// Compresses with LZ4, and encrypts and authenticates with XChaCha20-Poly1305.
///
/// What is compressed before it is encrypted tells by its length how repetitive it is; leave the compression out where somebody else can
/// choose a part of the text and see the length.
struct Vault {
    /// The first is the one that is written under.
    keys: Vec<Key>,
}

/// The format and the key's name, which stand before the nonce, and are authenticated with the place.
fn header(name: &str) -> Result<Vec<u8>, CodecError> {
    let length = u8::try_from(name.len()).map_err(CodecError::failed)?;
    Ok([&[FORMAT, length], name.as_bytes()].concat())
}

impl Codec for Vault {
    fn encode(&self, place: &Place<'_>, plain: Bytes) -> Result<Bytes, CodecError> {
        let key = self.keys.first().ok_or_else(|| CodecError::failed("there is no key to write under"))?;
        let header = header(&key.name)?;
        let aad = [&header[..], &place.associated_data()].concat();
        let nonce = XNonce::try_generate().map_err(CodecError::failed)?;
        let msg = &lz4_flex::compress_prepend_size(&plain);
        let sealed = key.cipher.encrypt(&nonce, Payload { msg, aad: &aad }).map_err(CodecError::failed)?;
        Ok([&header[..], &nonce, &sealed].concat().into())
    }

    fn decode(&self, place: &Place<'_>, coded: Bytes) -> Result<Bytes, CodecError> {
        let strange = || CodecError::failed("it was not written by this codec");
        let [FORMAT, length, rest @ ..] = &coded[..] else { return Err(strange()) };
        let (name, rest) = rest.split_at_checked((*length).into()).ok_or_else(strange)?;
        let (nonce, msg) = rest.split_first_chunk::<NONCE>().ok_or_else(strange)?;
        let name = str::from_utf8(name).map_err(|_| strange())?;
        let key = self.keys.iter().find(|key| key.name == name);
        let key = key.ok_or_else(|| CodecError::UnknownKey { key: name.to_owned() })?;
        let aad = [&header(name)?[..], &place.associated_data()].concat();
        let opened = key.cipher.decrypt(&XNonce::from(*nonce), Payload { msg, aad: &aad });
        let opened = opened.map_err(|_| CodecError::NotAuthentic { key: name.to_owned() })?;
        lz4_flex::decompress_size_prepended(&opened).map(Bytes::from).map_err(CodecError::failed)
    }
}

#[step]
async fn whisper(text: &str) -> usize {
    println!("{text}");
    text.len()
}

/// Keeps a text for a while, and then tells it.
#[workflow]
async fn entrust(text: String, pause: Duration) -> usize {
    sleep(pause).await;
    whisper(&text).await
}

/// Entrusts a text to the vault.
#[derive(Parser)]
struct Args {
    text: String,
    /// A key, as `name=64 hex digits`; the first is the one that is written under.
    #[arg(long = "key", required = true, value_parser = key)]
    keys: Vec<(String, [u8; 32])>,
    /// The database.
    #[arg(long, default_value = "vault.db")]
    db: PathBuf,
}

/// Reads a key.
fn key(text: &str) -> anyhow::Result<(String, [u8; 32])> {
    let (name, hex) = text.split_once('=').context("a key is written as name=hex")?;
    ensure!(name.len() < 256, "the name of a key has at most 255 bytes");
    ensure!(hex.len() == 64 && hex.is_ascii(), "a key has 64 hex digits");
    let mut secret = [0; 32];
    for (byte, digits) in secret.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(digits)?, 16).context("a key has 64 hex digits")?;
    }
    Ok((name.to_owned(), secret))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { text, keys, db } = Args::parse();
    let keys = keys.into_iter().map(|(name, secret)| Key::new(&name, secret)).collect();
    let store = Coded::new(SqliteStore::open(db).await?, Vault { keys });
    let engine = Engine::builder(store).register::<Entrust>().build().await?;
    let run = engine.start("secret", entrust(text, Duration::from_secs(5))).await?;
    println!("{} bytes were told", run.result().await?);
    engine.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use refluxo::{
        engine::ResultError,
        store::{RunId, What},
    };

    use super::*;

    fn vault(keys: &[(&str, u8)]) -> Vault {
        Vault { keys: keys.iter().map(|(name, byte)| Key::new(name, [*byte; 32])).collect() }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let (run, other) = (RunId::new("a").unwrap(), RunId::new("b").unwrap());
        let place = Place::new(&run, What::State);
        let plain = Bytes::from("0123456789".repeat(500));
        let november = vault(&[("november", 1)]);
        let coded = november.encode(&place, plain.clone()).unwrap();
        assert!(coded.len() < plain.len() / 10, "it is compressed: {}", coded.len());
        assert_ne!(november.encode(&place, plain.clone()).unwrap(), coded, "no nonce comes twice");
        assert_eq!(vault(&[("december", 2), ("november", 1)]).decode(&place, coded.clone()).unwrap(), plain);

        let forged = Err(CodecError::NotAuthentic { key: "november".into() });
        for place in [Place::new(&other, What::State), Place::new(&run, What::Head)] {
            assert_eq!(november.decode(&place, coded.clone()), forged, "it was moved");
        }
        let mut changed = coded.to_vec();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(november.decode(&place, changed.into()), forged, "it was changed");
        assert_eq!(vault(&[("november", 3)]).decode(&place, coded.clone()), forged, "it is another key");
        let unknown = Err(CodecError::UnknownKey { key: "november".into() });
        assert_eq!(vault(&[("december", 2)]).decode(&place, coded.clone()), unknown);
        november.decode(&place, coded.slice(..20)).unwrap_err();
        november.decode(&place, Bytes::new()).unwrap_err();
    }

    #[tokio::test]
    async fn a_key_can_be_changed_while_runs_sleep() {
        let store = MemoryStore::new();
        let engine = async |keys: &[(&str, u8)]| {
            let store = Coded::new(store.clone(), vault(keys));
            Engine::builder(store).register::<Entrust>().build().await.unwrap()
        };
        let first = engine(&[("november", 1)]).await;
        first.start("a", entrust("meet me at noon".into(), Duration::from_millis(50))).await.unwrap();
        first.shutdown().await;
        drop(first);

        // Whoever lacks the old key parks the run, and says which one it needs.
        let second = engine(&[("december", 2)]).await;
        let run = second.run::<Entrust>("a").await.unwrap();
        let parked = run.result().await.unwrap_err();
        assert!(matches!(parked, ResultError::Parked { .. }), "{parked}");
        assert!(
            parked.to_string().contains("the run a") && parked.to_string().contains("`november`"),
            "{parked}"
        );
        second.shutdown().await;
        drop((second, run));

        let third = engine(&[("december", 2), ("november", 1)]).await;
        third.retry("a").await.unwrap();
        let run = third.run::<Entrust>("a").await.unwrap();
        let told = loop {
            match run.result().await {
                Ok(told) => break told,
                // It has not heard of the retry yet.
                Err(ResultError::Parked { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(told, "meet me at noon".len());
        third.shutdown().await;
        drop((third, run));

        // By now all of it is written under the new key.
        let fourth = engine(&[("december", 2)]).await;
        assert_eq!(fourth.run::<Entrust>("a").await.unwrap().result().await.unwrap(), told);
    }
}
