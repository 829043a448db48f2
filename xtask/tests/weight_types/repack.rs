//! The same numbers in another form: packers of their own, independent of the generator's.

use std::ops::Range;

use engine_native::I2sLayout;
use xtask::make_model::{
    DenseType, GroupedType, WeightType,
    gguf_writer::{F16, F32, I2_S},
};

use crate::{
    dequantize,
    models::File,
    walk::{Tensor, Walk},
};

/// Where a tensor's elements lie that take `n_bytes`.
fn place(read: &Walk, tensor: &Tensor, n_bytes: usize) -> Range<usize> {
    let start = read.data_start + tensor.offset as usize;
    start..start + n_bytes
}

fn n_elements(tensor: &Tensor) -> usize {
    tensor.dims.iter().product::<u64>() as usize
}

fn find<'a>(read: &'a Walk, name: &str) -> &'a Tensor {
    let found = read.tensors.iter().find(|tensor| tensor.name == name);
    found.unwrap()
}

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The I2_S file in another layout.
pub fn in_layout(file: &File, layout: I2sLayout) -> File {
    let mut bytes = file.bytes.clone();
    let read = Walk::over(&file.bytes);
    let mut n_packed = 0;
    for tensor in read.tensors.iter().filter(|t| t.type_id == I2_S) {
        let place = place(&read, tensor, n_elements(tensor) / 4);
        let codes = codes_of_block128(&file.bytes[place.clone()]);
        bytes[place].copy_from_slice(&match layout {
            I2sLayout::Block128 => pack_blocks(&codes, 32),
            I2sLayout::Block64 => pack_blocks(&codes, 16),
            I2sLayout::Row4 => pack_rows(&codes, tensor.dims[0] as usize),
        });
        n_packed += 1;
    }
    assert_eq!(n_packed, 14);
    let name = format!("{}, {}", file.name, layout.as_str());
    File {
        name,
        bytes,
        layout,
    }
}

fn codes_of_block128(bytes: &[u8]) -> Vec<u8> {
    let block = |block: &[u8]| -> Vec<u8> {
        (0..128)
            .map(|w| block[w % 32] >> (6 - w / 32 * 2) & 3)
            .collect()
    };
    bytes.chunks_exact(32).flat_map(block).collect()
}

/// Blocks of `stride` bytes: byte k holds codes k, k + stride, k + 2 strides, k + 3 strides.
fn pack_blocks(codes: &[u8], stride: usize) -> Vec<u8> {
    let block = |c: &[u8]| -> Vec<u8> {
        let byte = |k: usize| (0..4).fold(0, |byte, i| byte << 2 | c[k + i * stride]);
        (0..stride).map(byte).collect()
    };
    codes.chunks_exact(4 * stride).flat_map(block).collect()
}

/// Byte g·columns + c holds column c of rows 4g to 4g + 3.
fn pack_rows(codes: &[u8], n_cols: usize) -> Vec<u8> {
    codes
        .chunks_exact(4 * n_cols)
        .flat_map(|rows| pack_blocks(rows, n_cols))
        .collect()
}

/// The F32 file with the projections of `source`, widened.
pub fn with_projections_of(mut file: File, source: &File, widen: fn(&[u8]) -> Vec<f32>) -> File {
    let (to, from) = (Walk::over(&file.bytes), Walk::over(&source.bytes));
    for tensor in from.tensors.iter().filter(|t| t.type_id == F16) {
        let n = n_elements(tensor);
        let values = widen(&source.bytes[place(&from, tensor, 2 * n)]);
        let place = place(&to, find(&to, &tensor.name), 4 * n);
        file.bytes[place].copy_from_slice(&f32_bytes(&values));
    }
    file
}

/// The elements of an embedding or output matrix.
pub fn rows(file: &File, name: &str, dense: DenseType) -> Vec<f32> {
    let read = Walk::over(&file.bytes);
    let tensor = find(&read, name);
    let n_bytes = dense.layout().n_bytes(n_elements(tensor) as u64) as usize;
    dequantize::dense(dense, &file.bytes[place(&read, tensor, n_bytes)])
}

/// The file with F32 rows in the tensor, which are those of `source`, dequantized.
pub fn with_rows_of(mut file: File, source: &File, name: &str, dense: DenseType) -> File {
    let (to, from) = (Walk::over(&file.bytes), Walk::over(&source.bytes));
    let (target, tensor) = (find(&to, name), find(&from, name));
    assert_eq!((target.type_id, &target.dims), (F32, &tensor.dims));
    let values = rows(source, name, dense);
    let place = place(&to, target, 4 * n_elements(tensor));
    file.bytes[place].copy_from_slice(&f32_bytes(&values));
    file.name = format!("F32 rows of {}", source.name);
    file
}

/// Another code in the lowest two bits.
fn flip_code(byte: &mut u8) {
    let other_code = ((*byte & 3) + 1) % 3;
    *byte = *byte & !3 | other_code;
}

/// Another first weight of a block.
fn flip_grouped(grouped: GroupedType, block: &mut [u8]) {
    match grouped {
        GroupedType::Ptq1_0 => block[0] ^= 0x80,
        _ => flip_code(&mut block[2]),
    }
}

/// The file with another valid value of the first weight that is not 0.
pub fn with_flipped_weight(file: &File, name: &str, weights: WeightType) -> File {
    let read = Walk::over(&file.bytes);
    let start = place(&read, find(&read, name), 0).start;
    let mut flipped = file.clone();
    let bytes = &mut flipped.bytes[start..];
    match weights {
        WeightType::I2S | WeightType::Tq2_0 => flip_code(&mut bytes[0]),
        // Any byte is five trits; the first is another one then.
        WeightType::Tq1_0 => bytes[0] ^= 0x80,
        WeightType::Grouped(grouped) => flip_grouped(grouped, bytes),
        WeightType::F32 | WeightType::F16 | WeightType::Bf16 => {
            let n = weights.layout().block_bytes as usize;
            let is_weight = |element: &[u8]| element[n - 1] & 0x7F != 0;
            let at = bytes.chunks_exact(n).position(is_weight).unwrap();
            bytes[at * n + n - 1] ^= 0x80;
        }
    }
    flipped
}

/// The file with these bytes at byte `at` of a tensor.
pub fn with_overwritten(file: &File, name: &str, at: usize, bytes: &[u8]) -> File {
    let read = Walk::over(&file.bytes);
    let start = place(&read, find(&read, name), 0).start + at;
    let mut changed = file.clone();
    changed.bytes[start..start + bytes.len()].copy_from_slice(bytes);
    changed
}

/// The file with another first element in this row of the tensor.
pub fn with_flipped_row(file: &File, name: &str, row: u32, dense: DenseType) -> File {
    let read = Walk::over(&file.bytes);
    let tensor = find(&read, name);
    let row_bytes = dense.layout().n_bytes(tensor.dims[0]) as usize;
    let mut flipped = file.clone();
    let bytes = &mut flipped.bytes[place(&read, tensor, 0).start + row as usize * row_bytes..];
    // The byte with the highest bit of an element, or of the integer of one.
    let byte = match dense {
        DenseType::Grouped(grouped) => {
            flip_grouped(grouped, bytes);
            return flipped;
        }
        DenseType::F32 => 3,
        DenseType::F16 | DenseType::Bf16 => 1,
        DenseType::Q8_0 => 2,
        DenseType::Q6K => 0,
        DenseType::Q4K => 16,
    };
    bytes[byte] ^= 0x80;
    flipped
}
