//! Type 42 means two layouts. The places of the tensors show which one a file has.

use guest_reference::gguf::{self, Stop, TensorType};

use crate::support::gguf::{F32, Gguf};

const OF_64: u64 = 18;
const OF_128: u64 = 34;

/// A tensor of `rows` rows of 1,024 weights, as blocks of `bytes` bytes store it.
fn push(file: &mut Gguf, name: &str, rows: u64, bytes: u64) {
    let blocks = match bytes {
        OF_64 => 16,
        _ => 8,
    };
    let data = vec![0; (rows * blocks * bytes) as usize];
    file.push_tensor(name, &[1024, rows], 42, data);
}

fn read(file: &Gguf) -> Result<Vec<TensorType>, String> {
    let bytes = file.bytes();
    match gguf::parse(&bytes, bytes.len() as u64) {
        Ok(header) => Ok(header.tensors.values().map(|t| t.tensor_type).collect()),
        Err(Stop::Failed(error)) => Err(error.to_string()),
        Err(Stop::NeedMore(_)) => panic!("the whole file was there"),
    }
}

#[test]
fn one_reading_makes_all_tensors_contiguous() {
    for (bytes, expected) in [(OF_64, TensorType::Q2_0), (OF_128, TensorType::Q2_0Of128)] {
        let mut file = Gguf::new();
        push(&mut file, "b", 3, bytes);
        file.push_tensor("c", &[3], F32, vec![0; 12]);
        push(&mut file, "a", 5, bytes);
        assert_eq!(read(&file), Ok(vec![expected, expected, TensorType::F32]));
        // Infos in any order.
        let mut shuffled = file.bytes();
        let at = |needle: &[u8]| file.bytes().windows(9).position(|w| w == needle);
        let name = |c: u8| [1, 0, 0, 0, 0, 0, 0, 0, c];
        let (b, c) = (at(&name(b'b')).expect("b"), at(&name(b'c')).expect("c"));
        let info_of_b = shuffled[b..c].to_vec();
        let len_of_c = 9 + 4 + 8 + 4 + 8;
        shuffled.copy_within(c..c + len_of_c, b);
        shuffled[b + len_of_c..c + len_of_c].copy_from_slice(&info_of_b);
        let Ok(header) = gguf::parse(&shuffled, shuffled.len() as u64) else {
            panic!("infos in another order are refused");
        };
        assert_eq!(header.tensors["a"].tensor_type, expected);
    }
}

#[test]
fn rows_that_are_no_multiple_of_128_leave_one_reading() {
    let mut file = Gguf::new();
    file.push_tensor("a", &[64], 42, vec![0; 18]);
    assert_eq!(read(&file), Ok(vec![TensorType::Q2_0]));
}

#[test]
fn neither_reading_or_both() {
    let refused = |file: &Gguf, what: &str| {
        let error = read(file).expect_err(what);
        assert!(error.contains(what), "{error}");
        assert!(error.contains("64 weights in 18 bytes"), "{error}");
        assert!(error.contains("of 128 in 34"), "{error}");
    };
    let mut mixed = Gguf::new();
    push(&mut mixed, "a", 4, OF_64);
    push(&mut mixed, "b", 4, OF_128);
    refused(&mixed, "neither reading");
    let mut longer = Gguf::new();
    push(&mut longer, "a", 4, OF_64);
    longer.tensor("a").data.push(0);
    refused(&longer, "neither reading");
    let mut odd = Gguf::new();
    odd.push_tensor("a", &[96], 42, vec![0; 27]);
    refused(&odd, "neither reading");
    // 288 bytes, or 272 and padding.
    let mut either = Gguf::new();
    push(&mut either, "a", 1, OF_64);
    refused(&either, "both");
}

#[test]
fn the_other_new_types_have_ids_of_their_own() {
    let mut file = Gguf::new();
    file.push_tensor("a", &[128, 3], 142, vec![0; 3 * 34]);
    file.push_tensor("b", &[128, 3], 143, vec![0; 3 * 28]);
    assert_eq!(read(&file), Ok(vec![TensorType::Pq2_0, TensorType::Ptq1_0]));
}
