//! Two readers, one meaning: whatever subset of its keys a file has, and whatever they are, both readers
//! see the same shape in it or both refuse it. What they say of it may differ.

mod keys;
mod model;
mod readers;

use engine_native::Architecture;
use keys::{
    INTERACTING, OF_YARN, OPTIONAL, REQUIRED, WITH_DEFAULT, any_values, known, neutral_values,
    odd_values, right_value, says_same,
};
use model::{BASES, Base, Keys};
use proptest::{collection::vec, prelude::*, sample::select};
use readers::{assert_same, shape};
use xtask::make_model::gguf_writer::Value;

/// The required keys, and those optional ones that `subset` has a bit for; all of them right.
fn right(base: &Base, subset: usize) -> Keys {
    let optional = OPTIONAL.iter().enumerate();
    let chosen = optional.filter(|(bit, _)| subset & (1 << bit) != 0);
    let names = REQUIRED.iter().chain(&WITH_DEFAULT);
    let names = names.chain(chosen.map(|(_, name)| name));
    let values = names.map(|name| (*name, right_value(base, name)));
    Keys::new(values)
}

fn bases() -> impl Iterator<Item = (Architecture, &'static Base)> {
    let of = |architecture| BASES.iter().map(move |base| (architecture, base));
    Architecture::ALL.into_iter().flat_map(of)
}

#[test]
fn every_subset_of_the_optional_keys() {
    let (mut accepted, mut refused) = (0, 0);
    for (architecture, base) in bases() {
        for subset in 0..1 << OPTIONAL.len() {
            match assert_same(architecture, base, &right(base, subset)) {
                true => accepted += 1,
                false => refused += 1,
            }
        }
    }
    assert!(accepted > 1000 && refused > 1000, "{accepted}, {refused}");
}

/// In every subset, each key in turn with each of its odd values.
#[test]
fn every_subset_with_one_odd_key() {
    let mut accepted = 0;
    // The architectures share one reader of keys: each meets another base.
    for (architecture, base) in Architecture::ALL.into_iter().zip(&BASES) {
        for subset in 0..1 << OPTIONAL.len() {
            let mut keys = right(base, subset);
            let present = OPTIONAL.iter().enumerate();
            for (_, name) in present.filter(|(bit, _)| subset & (1 << bit) != 0) {
                for value in odd_values(base, name) {
                    keys.set(name, Some(value));
                    accepted += usize::from(assert_same(architecture, base, &keys));
                }
                keys.set(name, Some(right_value(base, name)));
            }
        }
    }
    assert!(accepted > 0, "some odd values are allowed");
}

/// A required key, or one with a default, that is absent or odd, among none or all of the optional ones.
#[test]
fn one_required_key_absent_or_odd() {
    for (architecture, base) in bases() {
        for subset in [0, (1 << OPTIONAL.len()) - 1] {
            for name in [&REQUIRED[..], &WITH_DEFAULT].concat() {
                let mut keys = right(base, subset);
                let odd = odd_values(base, name).into_iter().map(Some);
                for value in odd.chain([None]) {
                    let is_absent = value.is_none();
                    keys.set(name, value);
                    let is_accepted = assert_same(architecture, base, &keys);
                    let has_default = WITH_DEFAULT.contains(&name);
                    assert!(
                        !(is_absent && is_accepted) || has_default,
                        "{name} is required"
                    );
                }
            }
        }
    }
}

/// Those keys whose meaning depends on others: each absent, right, wrong or of another type, in all
/// combinations.
#[test]
fn all_states_of_the_keys_that_interact() {
    for base in &BASES {
        let states = INTERACTING.map(|name| {
            let mut odd = odd_values(base, name);
            let (wrong, of_another_type) = (odd.swap_remove(0), odd.pop());
            let right = right_value(base, name);
            [None, Some(right), Some(wrong), of_another_type]
        });
        for number in 0..1usize << (2 * INTERACTING.len()) {
            let mut keys = right(base, 0);
            for (digit, name) in INTERACTING.iter().enumerate() {
                let state = &states[digit][(number >> (2 * digit)) % 4];
                keys.set(name, state.clone());
            }
            assert_same(Architecture::BitnetB158, base, &keys);
        }
    }
}

/// The subset of the optional keys without which the first base is refused: `attention.head_count_kv`.
const NEEDED: usize = 1;

/// The keys of YaRN and the base: each absent, a whole number, or one of six floats; the type absent or one
/// of three.
#[test]
fn a_seventh_of_the_states_of_the_keys_of_yarn() {
    let base = &BASES[0];
    let mut accepted = 0;
    let states = OF_YARN.map(|name| match name {
        "rope.scaling.type" => {
            let types = ["yarn", "linear", "none"].map(|t| Some(Value::String(t.to_owned())));
            [vec![None], types.to_vec()].concat()
        }
        _ => {
            let floats = [0.0, 0.5, 1.0, 1.5, 16.0, f32::NAN].map(|x| Some(Value::F32(x)));
            let odd = [None, Some(Value::U32(64))].into_iter().chain(floats);
            odd.collect()
        }
    });
    let n: usize = states.iter().map(Vec::len).product();
    // Every seventh state. 7 shares no factor with the number of values of a key, so each pair of values
    // occurs.
    for number in (0..n).step_by(7) {
        let (mut keys, mut rest) = (right(base, NEEDED), number);
        for (name, states) in OF_YARN.iter().zip(&states) {
            keys.set(name, states[rest % states.len()].clone());
            rest /= states.len();
        }
        accepted += usize::from(assert_same(Architecture::Qwen3, base, &keys));
    }
    assert!(accepted > 10, "{accepted}");
}

/// A key that changes nothing at one value is accepted with that value alone, by both readers. The rows of
/// `llama` are also in the order that Meta's own files name.
#[test]
fn keys_that_are_neutral_at_one_value() {
    for architecture in Architecture::ALL {
        for (name, neutral) in neutral_values() {
            let mut keys = right(&BASES[0], NEEDED);
            keys.set(name, Some(neutral.clone()));
            assert!(assert_same(architecture, &BASES[0], &keys), "{name}");
            for value in any_values(&neutral) {
                let is_meta = value == Value::String("Meta AI original pth".to_owned());
                let is_order_of_llama =
                    is_meta && name == "tensor_data_layout" && architecture == Architecture::Llama;
                let expected = says_same(&value, &neutral) || is_order_of_llama;
                keys.set(name, Some(value.clone()));
                let is_accepted = assert_same(architecture, &BASES[0], &keys);
                assert_eq!(is_accepted, expected, "{architecture}, {name}: {value:?}");
            }
        }
    }
}

/// A key that one reader learns has to be known to the other, and to these tests.
#[test]
fn both_readers_know_the_keys_of_these_tests() {
    let native = include_str!("../../../engine-native/src/model/shape.rs");
    let guest = include_str!("../../../guest-reference/src/model/keys.rs");
    let mut tested = known();
    tested.retain(|name| !name.starts_with("general."));
    tested.sort_unstable();
    for (source, list) in [(native, "const KNOWN_KEYS: "), (guest, "const KNOWN: ")] {
        let (_, list) = source.split_once(list).expect("the list has this name");
        let (list, _) = list.split_once("];").expect("the list ends");
        let known: Vec<_> = list.split('"').skip(1).step_by(2).collect();
        assert_eq!(known, tested);
    }
}

#[test]
fn the_right_keys_alone_give_the_shape_that_was_meant() {
    for (architecture, base) in bases() {
        let keys = right(base, (1 << OPTIONAL.len()) - 1);
        let [native, guest] = shape(architecture, base, &keys);
        let native = native.unwrap_or_else(|e| panic!("{base:?}: {e}"));
        assert_eq!(native.head_dim, base.head_dim);
        assert_eq!(Ok(native), guest);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Any number of keys in any state.
    #[test]
    fn any_keys_in_any_state(
        architecture in select(Architecture::ALL.to_vec()),
        base in select(BASES.iter().collect::<Vec<_>>()),
        subset in 0..1usize << OPTIONAL.len(),
        edits in vec((select(known()), any::<prop::sample::Index>()), 0..6),
    ) {
        let mut keys = right(base, subset);
        for (name, which) in edits {
            let odd = odd_values(base, name);
            let states = odd.into_iter().map(Some).chain([None, Some(right_value(base, name))]);
            let states: Vec<_> = states.collect();
            keys.set(name, which.get(&states).clone());
        }
        assert_same(architecture, base, &keys);
    }
}
