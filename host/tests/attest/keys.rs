//! Keys are read whoever wrote them, refused by what they are, and never quoted.

use base64ct::{Base64, Encoding};
use ed25519_dalek::Verifier;
use host::attest::{KeyError, PublicKey, SigningKey};
use proptest::prelude::*;

use crate::samples::*;

/// A seed of 32 bytes as PKCS#8 PEM, RFC 8410.
fn pkcs8(seed: &[u8; 32]) -> String {
    let der = [&hex("302e020100300506032b657004220420")[..], seed].concat();
    let body = Base64::encode_string(&der);
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

/// A public key of 32 bytes as SPKI PEM.
fn spki(point: &[u8]) -> String {
    let der = [&hex("302a300506032b6570032100")[..], point].concat();
    let body = Base64::encode_string(&der);
    format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
}

fn hex(text: &str) -> Vec<u8> {
    let digits = |i| u8::from_str_radix(&text[i..i + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

/// Secret key, public key, message and signature: tests 1 to 3 of RFC 8032, section 7.1.
const RFC_8032: [[&str; 4]; 3] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd\
         25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c\
         387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659\
         4a7c15e9716ed28dc027beceea1ec40a",
    ],
];

#[test]
fn signatures_are_those_of_rfc_8032() {
    for test in RFC_8032 {
        let [secret, public, message, signature] = test.map(hex);
        let key = SigningKey::parse(&pkcs8(&secret.try_into().unwrap())).unwrap();
        assert_eq!(key.public_key(), PublicKey::parse(&spki(&public)).unwrap());
        let signature = signature.try_into().unwrap();
        assert_eq!(key.sign(&message), signature);
        assert!(key.public_key().has_signed(&message, &signature));
        assert!(!key.public_key().has_signed(b"another", &signature));
    }
}

/// S + L is the same scalar written in another way; one message has one signature of a key.
#[test]
fn a_signature_has_one_form() {
    let [_, public, message, signature] = RFC_8032[0].map(hex);
    let key = PublicKey::parse(&spki(&public)).unwrap();
    // 2^252 + 27742317777372353535851937790883648493, little-endian
    let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut other: [u8; 64] = signature.try_into().unwrap();
    let mut carry = 0;
    for (byte, more) in other[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(carry, 0);
    assert!(!key.has_signed(&message, &other));
}

/// R is the neutral point and S = k·s: the equation holds, and whoever has the key can make such a
/// signature fit several keys. Only `verify_strict` refuses it.
#[test]
fn a_signature_with_a_point_of_small_order_is_refused() {
    let [_, public, message, _] = RFC_8032[0].map(hex);
    let neutral = format!("01{}", "00".repeat(31));
    let scalar = "756cf9b1d6f0d7a979b9d2af3dc2bc1294ec7cb6daa20eaff534c024fc57920f";
    let signature = hex(&(neutral + scalar)).try_into().unwrap();
    let lax = ed25519_dalek::VerifyingKey::from_bytes(&public.clone().try_into().unwrap()).unwrap();
    let as_signature = ed25519_dalek::Signature::from_bytes(&signature);
    assert!(lax.verify(&message, &as_signature).is_ok());
    let key = PublicKey::parse(&spki(&public)).unwrap();
    assert!(!key.has_signed(&message, &signature));
}

/// For these points anybody can make signatures.
#[test]
fn public_keys_of_small_order_are_refused() {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    for point in [neutral, [0; 32]] {
        let error = PublicKey::parse(&spki(&point)).unwrap_err();
        assert!(matches!(error, KeyError::Damaged(_)), "{error}");
    }
}

#[test]
fn keys_of_other_programs_are_read() {
    for (private, public) in [(PKCS8, SPKI), (OPENSSH, OPENSSH_PUBLIC)] {
        let (private, public) = (
            SigningKey::parse(private).unwrap(),
            PublicKey::parse(public).unwrap(),
        );
        assert_eq!(private.public_key(), public);
        let signature = private.sign(b"message");
        assert!(public.has_signed(b"message", &signature));
    }
    // Comments and line ends are whoever's.
    let (line, _) = OPENSSH_PUBLIC.rsplit_once(" test key").unwrap();
    let key = PublicKey::parse(OPENSSH_PUBLIC).unwrap();
    assert_eq!(PublicKey::parse(line).unwrap(), key);
    let crlf = SPKI.replace('\n', "\r\n");
    assert_eq!(
        PublicKey::parse(&crlf).unwrap(),
        PublicKey::parse(SPKI).unwrap()
    );
}

/// As OpenSSL and sha256sum print it.
#[test]
fn a_keyid_can_be_computed_by_others() {
    let id = PublicKey::parse(SPKI).unwrap().id().to_string();
    assert_eq!(
        id,
        "8e9ab4db1ea02be5a4b987613aa9fdb9cae7a3362f845172ab235a1c7a9d5717"
    );
}

#[test]
fn what_is_no_private_key_is_refused_by_what_it_is() {
    for (text, part) in [
        (OPENSSH_ENCRYPTED, "found an encrypted private key"),
        (PKCS8_ENCRYPTED, "found an encrypted private key"),
        (OPENSSH_ECDSA, "found a private key of another kind"),
        (PKCS8_ECDSA, "found a private key of another kind"),
        (PKCS8_X25519, "found a private key of another kind"),
        (SPKI, "found a public key, allowed an ed25519 private key"),
        (
            OPENSSH_PUBLIC,
            "found a public key, allowed an ed25519 private key",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\n", "found an RSA key"),
        ("-----BEGIN PRIVATE KEY-----\n", "found a damaged key"),
        ("", "found no key"),
    ] {
        let error = SigningKey::parse(text).unwrap_err().to_string();
        assert!(error.contains(part), "no {part:?} in: {error}");
    }
}

#[test]
fn what_is_no_public_key_is_refused_by_what_it_is() {
    for (text, part) in [
        (PKCS8, "found a private key, allowed an ed25519 public key"),
        (
            OPENSSH,
            "found a private key, allowed an ed25519 public key",
        ),
        (OPENSSH_ECDSA_PUBLIC, "found an ECDSA key"),
        (SPKI_X25519, "found a public key of another kind"),
        ("ssh-ed25519 AAAA", "found a damaged key"),
        ("-----BEGIN PUBLIC KEY-----\n", "found a damaged key"),
        ("", "found no key"),
    ] {
        let error = PublicKey::parse(text).unwrap_err().to_string();
        assert!(error.contains(part), "no {part:?} in: {error}");
    }
}

/// Whether `shown` has eight characters in a row that stand between the lines of dashes of `key`.
fn quotes(shown: &str, key: &str) -> bool {
    let body: String = key.lines().filter(|line| !line.starts_with('-')).collect();
    let runs = body.as_bytes().windows(8);
    runs.into_iter()
        .any(|run| shown.contains(std::str::from_utf8(run).unwrap()))
}

#[test]
fn a_key_is_shown_by_its_id_alone() {
    for text in [PKCS8, OPENSSH] {
        let key = SigningKey::parse(text).unwrap();
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("SigningKey({})", key.public_key().id()));
        assert!(!quotes(&shown, text));
        assert!(quotes(text, text), "the search can find something");
    }
}

proptest! {
    /// Whatever is damaged: an error or a key, no panic, and nothing of the key in the error.
    #[test]
    fn errors_quote_nothing_of_a_damaged_key(
        sample in prop::sample::select(vec![PKCS8, OPENSSH, OPENSSH_ENCRYPTED, PKCS8_ECDSA]),
        at in any::<prop::sample::Index>(),
        end in any::<prop::sample::Index>(),
        byte in 0x20u8..0x7f,
    ) {
        let mut bytes = sample.as_bytes().to_vec();
        let i = at.index(bytes.len());
        bytes[i] = byte;
        let changed = String::from_utf8(bytes).unwrap();
        let end = end.index(sample.len());
        for text in [&changed[..], &sample[..end], &sample[end..]] {
            if let Err(error) = SigningKey::parse(text) {
                let shown = format!("{error} {error:?}");
                prop_assert!(!quotes(&shown, sample));
            }
            if let Err(error) = PublicKey::parse(text) {
                let shown = format!("{error} {error:?}");
                prop_assert!(!quotes(&shown, sample));
            }
        }
    }
}
