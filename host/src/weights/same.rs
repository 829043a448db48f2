//! The comparison of two files.

use std::{collections::BTreeMap, path::Path};

use engine_native::{Architecture, I2sLayout, ModelShape, Observer, gguf::TensorInfo};
use half::f16;
use serde::Serialize;

use super::{
    difference::{Difference, Place},
    error::WeightsError,
    file::{Tensor, WeightFile},
};
use crate::watch::{Phase, Watch};

/// Weights of a tensor that are in memory at once.
const PIECE: u64 = 1 << 20;

/// What came of the comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SameWeights {
    /// Number of tensors that were equal.
    pub tensors: usize,
    /// Number of weights that were equal.
    pub weights: u64,
    /// What differs first, in the order of the first file; `None` if everything is equal.
    pub difference: Option<Difference>,
}

/// Compares two model files: what their keys say of the arithmetic, then every weight of every tensor. `layouts` are
/// those of I2_S tensors. Names of architectures that mean the same network are equal, and a tied output matrix
/// is the token embedding.
///
/// # Errors
/// A file cannot be read, is no model, or has a tensor of a type that is not known; or the comparison was
/// interrupted.
pub fn same_weights(
    first: &Path,
    second: &Path,
    layouts: [I2sLayout; 2],
    watch: &Watch,
) -> Result<SameWeights, WeightsError> {
    let first = WeightFile::open(first, layouts[0])?;
    let second = WeightFile::open(second, layouts[1])?;
    let mut found = SameWeights {
        tensors: 0,
        weights: 0,
        difference: setting(&first.shape()?, &second.shape()?),
    };
    let pairs = match &found.difference {
        Some(_) => return Ok(found),
        None => pairs(first.tensors(), second.tensors()),
    };
    let pairs = match pairs {
        Ok(pairs) => pairs,
        Err(difference) => {
            found.difference = Some(difference);
            return Ok(found);
        }
    };
    // All of them first: a header may say anything, and a tensor that lies inside of its file has a size
    // that can be counted with.
    let pairs = pairs
        .into_iter()
        .map(|(one, other)| Ok([first.tensor(one)?, second.tensor(other)?]))
        .collect::<Result<Vec<_>, WeightsError>>()?;
    let elements = pairs.iter().map(|[one, _]| one.info.n_elements());
    let all = elements.fold(0, u64::saturating_add);
    watch.begin(Phase::Other("compare the weights"), all);
    for pair in &pairs {
        found.difference = compare([&first, &second], pair, watch)?;
        if found.difference.is_some() {
            break;
        }
        found.tensors += 1;
        found.weights += pair[0].info.n_elements();
    }
    first.check_unchanged()?;
    second.check_unchanged()?;
    Ok(found)
}

/// The first setting that differs. How many positions a model was trained for changes no result.
fn setting(first: &ModelShape, second: &ModelShape) -> Option<Difference> {
    type Setting = (&'static str, fn(&ModelShape) -> String);
    const SETTINGS: [Setting; 12] = [
        ("architecture", |s| network(s.architecture).into()),
        ("embedding length", |s| s.n_embd.to_string()),
        ("layers", |s| s.n_layers.to_string()),
        ("heads", |s| s.n_heads.to_string()),
        ("KV heads", |s| s.n_kv_heads.to_string()),
        ("elements of a head", |s| s.head_dim.to_string()),
        ("vocabulary", |s| s.n_vocab.to_string()),
        ("feed-forward length", |s| s.n_ff.to_string()),
        ("RoPE dimensions", |s| s.rope_dim.to_string()),
        ("RoPE frequency base", |s| format!("{:?}", s.rope_base)),
        ("RoPE scaling", |s| format!("{:?}", s.rope_scaling)),
        ("RMSNorm epsilon", |s| format!("{:?}", s.rms_epsilon)),
    ];
    let differs = |(name, of): &Setting| {
        let (first, second) = (of(first), of(second));
        (first != second).then_some(Difference::Setting {
            name,
            first,
            second,
        })
    };
    SETTINGS.iter().find_map(differs)
}

/// The name of the network, which may have several in files.
fn network(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Bitnet25 => Architecture::BitnetB158.as_str(),
        other => other.as_str(),
    }
}

const EMBEDDING: &str = "token_embd.weight";
const OUTPUT: &str = "output.weight";

/// Each tensor of the first file with that of the second.
fn pairs<'a>(
    first: &'a [TensorInfo],
    second: &'a [TensorInfo],
) -> Result<Vec<(&'a TensorInfo, &'a TensorInfo)>, Difference> {
    let by_name = |tensors: &'a [TensorInfo]| -> BTreeMap<&'a str, &'a TensorInfo> {
        tensors.iter().map(|info| (&info.name[..], info)).collect()
    };
    let (of_first, of_second) = (by_name(first), by_name(second));
    let partner = |of: &BTreeMap<_, &'a TensorInfo>, name: &str| match of.get(name) {
        None if name == OUTPUT => of.get(EMBEDDING).copied(),
        found => found.copied(),
    };
    let only_in_first = |only_in_first, name: &str| Difference::Tensor {
        name: name.into(),
        only_in_first,
    };
    let mut pairs = Vec::with_capacity(first.len());
    for one in first {
        let other = partner(&of_second, &one.name).ok_or_else(|| only_in_first(true, &one.name))?;
        pairs.push((one, other));
    }
    for other in second
        .iter()
        .filter(|t| !of_first.contains_key(&t.name[..]))
    {
        let one =
            partner(&of_first, &other.name).ok_or_else(|| only_in_first(false, &other.name))?;
        pairs.push((one, other));
    }
    match pairs.iter().find(|(one, other)| !same_dims(one, other)) {
        None => Ok(pairs),
        Some((one, other)) => Err(Difference::Dimensions {
            name: one.name.clone(),
            first: one.dims.clone(),
            second: other.dims.clone(),
        }),
    }
}

/// Whether two tensors have the same shape: dimensions of 1 at the end say nothing.
fn same_dims(one: &TensorInfo, other: &TensorInfo) -> bool {
    let significant = |info: &TensorInfo| {
        let last = info.dims.iter().rposition(|&dim| dim != 1).unwrap_or(0);
        info.dims[..=last].to_vec()
    };
    significant(one) == significant(other)
}

/// Compares a tensor of both files, a piece at a time.
fn compare(
    files: [&WeightFile; 2],
    pair: &[Tensor; 2],
    watch: &Watch,
) -> Result<Option<Difference>, WeightsError> {
    let info = pair[0].info;
    let (n_rows, n_cols) = (info.n_rows(), info.n_cols());
    let together = pair[0].rows_together().max(pair[1].rows_together());
    let step = (PIECE / n_cols).next_multiple_of(together).max(together);
    let same_type = pair[0].is_stored_as(&pair[1]);
    let mut row = 0;
    while row < n_rows {
        if watch.is_stopped() {
            return Err(WeightsError::Interrupted);
        }
        let rows = step.min(n_rows - row);
        let first = files[0].bytes(&pair[0], row, rows)?;
        let second = files[1].bytes(&pair[1], row, rows)?;
        if !(same_type && first == second) {
            let (first, second) = (pair[0].weights(&first), pair[1].weights(&second));
            if let Some(at) = first_difference(&first, &second) {
                let place = Place {
                    tensor: name_of(pair).into(),
                    row: row + at as u64 / n_cols,
                    column: at as u64 % n_cols,
                };
                return Ok(Some(weight(place, first[at], second[at])));
            }
        }
        watch.advance(rows * n_cols);
        row += rows;
    }
    Ok(None)
}

/// The name of what is compared. A file without an output matrix has its embedding in the place of one.
fn name_of<'a>(pair: &[Tensor<'a>; 2]) -> &'a str {
    let [one, other] = pair.each_ref().map(|tensor| &tensor.info.name[..]);
    match other {
        OUTPUT => OUTPUT,
        _ => one,
    }
}

/// The first weight that is another number. Zeros are equal whatever their sign.
fn first_difference(first: &[f32], second: &[f32]) -> Option<usize> {
    let mut both = first.iter().zip(second);
    both.position(|(one, other)| one != other && one.to_bits() != other.to_bits())
}

fn weight(place: Place, first: f32, second: f32) -> Difference {
    let rounded = |x: f32| f16::from_f32(x).to_f32();
    Difference::Weight {
        place,
        first,
        second,
        is_rounding: rounded(first) == second || rounded(second) == first,
    }
}
