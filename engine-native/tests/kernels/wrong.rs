//! Kernels that are wrong in plausible ways, to show that the checks notice.

use engine_native::{
    AttentionScratch, Bounded, DenseRows, DenseType, GemmBatch, GemmScratch, GroupedRows, Isa,
    KernelName, Kernels, Ledger, NonFinite, Op, QuantizedActivations, Queries, Recorder,
    RefineRows, RopeAngles, Scalar, ScreenActivations, ScreenRows, TernaryRows,
};
use half::f16;

/// Close to the scalar kernels, and none of them right.
pub struct Wrong;

impl Kernels for Wrong {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    /// Flushes F16 subnormals to zero.
    fn embedding_row(&self, row: DenseRows, out: &mut [f32], recorder: &mut Recorder) {
        Scalar.embedding_row(row, out, recorder);
        let smallest = f16::MIN_POSITIVE.to_f32();
        out.iter_mut()
            .filter(|x| x.abs() < smallest)
            .for_each(|x| *x = 0.0);
    }

    /// Divides by the root instead of multiplying by its reciprocal.
    fn rms_norm(
        &self,
        x: &[f32],
        weight: &[f32],
        epsilon: f32,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        Scalar.rms_norm(x, weight, epsilon, out, recorder)?;
        let mean = x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32;
        let root = (mean + epsilon).sqrt();
        for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
            *out = x / root * weight;
        }
        Ok(())
    }

    /// Rounds ties away from zero, and ignores NaNs in the maximum.
    fn quantize(
        &self,
        x: &[f32],
        out: &mut QuantizedActivations,
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        let seen = x.iter().map(|&x| if x.is_nan() { 0.0 } else { x });
        Scalar.quantize(&seen.collect::<Vec<_>>(), out, recorder)?;
        let absmax = x.iter().fold(1e-5f32, |m, x| m.max(x.abs()));
        for (q, x) in out.values.iter_mut().zip(x) {
            *q = (x * (127.0 / absmax)).round() as i8;
        }
        out.sum = out.values.iter().map(|&q| i32::from(q)).sum();
        Ok(())
    }

    /// Swaps two lanes, and saturates sums at 16 bits.
    fn ternary_gemv(
        &self,
        weights: TernaryRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        let mut activations = activations.clone();
        let other = 35.min(activations.len - 1);
        activations.values.swap(3.min(other), other);
        Scalar.ternary_gemv(weights, &activations, out, recorder);
        let limit = f32::from(i16::MAX) * (weights.scale * activations.scale);
        out.iter_mut().for_each(|y| *y = y.clamp(-limit, limit));
    }

    /// Uses the first position's sum for every position.
    fn ternary_gemm(
        &self,
        weights: TernaryRows,
        batch: &mut dyn GemmBatch,
        scratch: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        Scalar.ternary_gemm(weights, batch, scratch, recorder);
        let sum = batch.position(0).0.sum;
        for i in 0..batch.n_positions() {
            let (activations, out) = batch.position(i);
            let mut activations = activations.clone();
            activations.sum = sum;
            // This work is already recorded.
            let mut ledger = Ledger::default();
            Scalar.ternary_gemv(weights, &activations, out, ledger.op(Op::AttnQ));
        }
    }

    /// Keeps the sign of a code of 0 whose scale is 0.
    fn grouped_embedding_row(
        &self,
        weights: GroupedRows,
        row: usize,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        Scalar.grouped_embedding_row(weights, row, out, recorder);
        out.iter_mut().for_each(|x| *x += 0.0);
    }

    /// Rounds ties away from zero, and the scale not at all.
    fn quantize_blocks(
        &self,
        x: &[f32],
        out: &mut QuantizedActivations,
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        Scalar.quantize_blocks(x, out, recorder)?;
        let blocks = x.chunks(32).zip(out.values.chunks_mut(32));
        for (b, (x, values)) in blocks.enumerate() {
            let absmax = x.iter().fold(0f32, |m, x| m.max(x.abs()));
            for (q, x) in values.iter_mut().zip(x) {
                *q = (x * (127.0 / absmax)).round() as i8;
            }
            out.block_sums[b] = values.iter().map(|&q| i32::from(q)).sum();
            out.block_scales[b] = absmax / 127.0;
        }
        Ok(())
    }

    /// Multiplies the two scales first.
    fn grouped_gemv(
        &self,
        weights: GroupedRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        Scalar.grouped_gemv(weights, activations, out, recorder);
        for (row, out) in out.iter_mut().enumerate() {
            *out = 0.0;
            for (b, q) in activations.quantized().chunks(32).enumerate() {
                let code = |i: usize| i32::from(weights.code(row, 32 * b + i)) - 1;
                let acc: i32 = (0..32).map(|i| code(i) * i32::from(q[i])).sum();
                let d = f16::from_bits(weights.scale_bits(row, 32 * b)).to_f32();
                *out += d * activations.block_scales[b] * acc as f32;
            }
        }
    }

    /// Uses the first position's scales for every position.
    fn grouped_gemm(
        &self,
        weights: GroupedRows,
        batch: &mut dyn GemmBatch,
        scratch: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        Scalar.grouped_gemm(weights, batch, scratch, recorder);
        let scales = batch.position(0).0.block_scales.clone();
        for i in 0..batch.n_positions() {
            let (activations, out) = batch.position(i);
            let mut activations = activations.clone();
            activations.block_scales.clone_from(&scales);
            // This work is already recorded.
            let mut ledger = Ledger::default();
            Scalar.grouped_gemv(weights, &activations, out, ledger.op(Op::AttnQ));
        }
    }

    /// Uses fused multiply-add.
    fn rope(
        &self,
        heads: &mut [f32],
        head_dim: usize,
        angles: RopeAngles,
        recorder: &mut Recorder,
    ) {
        let half = angles.cos.len();
        let before = heads.to_vec();
        Scalar.rope(heads, head_dim, angles, recorder);
        let pairs = heads
            .chunks_exact_mut(head_dim)
            .zip(before.chunks_exact(head_dim));
        for (head, x) in pairs {
            for (j, (c, s)) in angles.cos.iter().zip(angles.sin).enumerate() {
                head[j] = x[j].mul_add(*c, -(x[j + half] * s));
            }
        }
    }

    /// Rounds F16 towards zero.
    fn kv_store(
        &self,
        x: &[f32],
        cache_type: DenseType,
        out: &mut [u8],
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        Scalar.kv_store(x, cache_type, out, recorder)?;
        if cache_type == DenseType::F16 {
            for (stored, x) in out.as_chunks_mut::<2>().0.iter_mut().zip(x) {
                let rounded = f16::from_le_bytes(*stored);
                if rounded.to_f32().abs() > x.abs() {
                    *stored = (rounded.to_bits() - 1).to_le_bytes();
                }
            }
        }
        Ok(())
    }

    /// Scales the queries instead of the scores.
    fn attention_scores(
        &self,
        queries: Queries,
        keys: DenseRows,
        scale: f32,
        scores: &mut [f32],
        scratch: &mut AttentionScratch,
        recorder: &mut Recorder,
    ) {
        let scaled = |heads: &&[f32]| heads.iter().map(|q| q * scale).collect();
        let scaled: Vec<Vec<f32>> = queries.of_positions.iter().map(scaled).collect();
        let of_positions: Vec<&[f32]> = scaled.iter().map(|heads| &heads[..]).collect();
        let queries = Queries {
            of_positions: &of_positions,
            ..queries
        };
        Scalar.attention_scores(queries, keys, 1.0, scores, scratch, recorder);
    }

    /// Uses the exponential of the platform.
    fn softmax(&self, scores: &mut [f32], recorder: &mut Recorder) -> Result<(), NonFinite> {
        let max = scores.iter().fold(f32::NEG_INFINITY, |m, &x| m.max(x));
        let exps: Vec<f32> = scores.iter().map(|x| (x - max).exp()).collect();
        let sum: f32 = exps.iter().sum();
        Scalar.softmax(scores, recorder)?;
        for (p, e) in scores.iter_mut().zip(exps) {
            *p = e / sum;
        }
        Ok(())
    }

    /// Uses fused multiply-add.
    fn attention_values(
        &self,
        weights: &[f32],
        values: DenseRows,
        first: usize,
        out: &mut [&mut [f32]],
        scratch: &mut AttentionScratch,
        recorder: &mut Recorder,
    ) {
        Scalar.attention_values(weights, values, first, out, scratch, recorder);
        let mut rows = weights.chunks_exact(first + out.len());
        for (i, heads) in out.iter_mut().enumerate() {
            for out in heads.chunks_exact_mut(values.n_cols) {
                let weights = &rows.next().expect("a row for each head")[..=first + i];
                out.fill(0.0);
                for (t, weight) in weights.iter().enumerate() {
                    for (out, v) in out.iter_mut().zip(widened(values.rows(t, 1))) {
                        *out = weight.mul_add(v, *out);
                    }
                }
            }
        }
    }

    /// Multiplies in the wrong order.
    fn squared_relu_mul(&self, gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        Scalar.squared_relu_mul(gate, up, out, recorder);
        for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
            let r = gate.max(0.0);
            *out = r * (r * up);
        }
    }

    /// Uses the exponential of the platform.
    fn silu_mul(&self, gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        Scalar.silu_mul(gate, up, out, recorder);
        for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
            *out = gate / (1.0 + (-gate).exp()) * up;
        }
    }

    /// Computes the right result, but records twice the work.
    fn residual_add(&self, x: &mut [f32], y: &[f32], recorder: &mut Recorder) {
        x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
        recorder.record(KernelName::ResidualAdd, Isa::Scalar, 2 * x.len());
    }

    /// Adds the products sequentially.
    fn output_gemv(&self, rows: DenseRows, x: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        Scalar.output_gemv(rows, x, out, recorder);
        for (r, out) in out.iter_mut().enumerate() {
            let row = widened(rows.rows(r, 1));
            *out = row.iter().zip(x).map(|(w, x)| w * x).sum();
        }
    }

    /// Ignores the low parts of the activations.
    fn output_screen(
        &self,
        rows: ScreenRows,
        x: &ScreenActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        let mut x = x.clone();
        x.low.fill(0);
        Scalar.output_screen(rows, &x, out, recorder);
    }

    /// Treats the refining bits as unsigned.
    fn output_refine(
        &self,
        refine: RefineRows,
        rows: &[u32],
        x: &ScreenActivations,
        approximations: &mut [f32],
        recorder: &mut Recorder,
    ) {
        let mut x = x.clone();
        x.sums = [0; 2];
        Scalar.output_refine(refine, rows, &x, approximations, recorder);
    }

    /// Rules out rows that just reach the logit.
    fn reaching(&self, bounded: Bounded, least: f32, rows: &mut [u32]) -> usize {
        Scalar.reaching(bounded, least.next_up(), rows)
    }

    /// Returns the last index on a tie.
    fn argmax(&self, logits: &[f32], recorder: &mut Recorder) -> Result<usize, NonFinite> {
        let reversed: Vec<f32> = logits.iter().rev().copied().collect();
        let best = Scalar.argmax(&reversed, recorder)?;
        Ok(logits.len() - 1 - best)
    }

    /// Ignores the bytes after the last whole line.
    fn read(&self, bytes: &[u8]) -> u64 {
        Scalar.read(&bytes[..bytes.len() / 64 * 64])
    }
}

/// One row as f32, with a throw-away recorder.
fn widened(row: DenseRows) -> Vec<f32> {
    let mut out = vec![0.0; row.n_cols];
    Scalar.embedding_row(row, &mut out, Ledger::default().op(Op::Embed));
    out
}
