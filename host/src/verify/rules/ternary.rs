//! Which of the contract's two ternary products a receipt's kernels say that its model has, and whether
//! they agree about it.

use engine_native::{GroupedType, KernelName, Op};

use crate::receipt::Receipt;

/// Whether the kernels of the projections are those of grouped ternary weights.
pub(super) fn has_grouped_projections(r: &Receipt) -> bool {
    kernels(r).any(|(op, kernel)| op.is_projection() && is_grouped(kernel))
}

/// Whether the kernel of the output matrix is that of grouped ternary weights.
pub(super) fn has_grouped_output(r: &Receipt) -> bool {
    kernels(r).any(|(op, kernel)| op == Op::Output && is_grouped(kernel))
}

fn kernels(r: &Receipt) -> impl Iterator<Item = (Op, KernelName)> {
    r.ledger().iter().filter_map(|entry| {
        let (kernel, _) = KernelName::parse_id(&entry.kernel)?;
        Some((Op::from_name(&entry.op)?, kernel))
    })
}

fn is_grouped(kernel: KernelName) -> bool {
    use KernelName::{BlockQuantize, EmbeddingRowGrouped, GroupedGemm, GroupedGemv};
    matches!(
        kernel,
        BlockQuantize | EmbeddingRowGrouped | GroupedGemm | GroupedGemv
    )
}

/// Whether `op` quantizes the input of projections.
fn is_input_of_projections(op: Op) -> bool {
    use Op::{AttnOutputQuantize, AttnQkvQuantize, FfnDownQuantize, FfnGateUpQuantize};
    matches!(
        op,
        AttnQkvQuantize | AttnOutputQuantize | FfnGateUpQuantize | FfnDownQuantize
    )
}

/// Checks that all projections have one kind of weights, that activations are quantized as these
/// weights need them, and that the file has a type of such weights.
pub(super) fn check(r: &Receipt) -> Result<(), String> {
    let has_grouped = has_grouped_projections(r);
    let other = kernels(r).find(|&(op, kernel)| {
        (op.is_projection() || is_input_of_projections(op)) && is_grouped(kernel) != has_grouped
    });
    if let Some((op, kernel)) = other {
        let (kernel, op) = (kernel.as_str(), op.name());
        return Err(format!(
            "{kernel} for {op}, beside projections of the other kind of ternary weights"
        ));
    }
    let Some((op, kernel)) = kernels(r).find(|&(_, kernel)| is_grouped(kernel)) else {
        return Ok(());
    };
    let types = GroupedType::ALL.map(|grouped| grouped.to_string());
    let is_there = |types: &[String]| {
        let mut found = r.model.weight_types.iter();
        found.any(|t| types.contains(&t.tensor_type))
    };
    match is_there(&types) {
        true => Ok(()),
        false => Err(format!(
            "{} for {}: the model has no tensors of a type for it",
            kernel.as_str(),
            op.name()
        )),
    }
}
