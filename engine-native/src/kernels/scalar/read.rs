//! A read of every byte with as little computation as possible.

/// Number of interleaved streams. One alone does not keep the hardware prefetchers busy, and
/// portable code cannot prefetch.
const N_STREAMS: usize = 8;

/// See [`Kernels::read`](crate::kernels::Kernels::read).
pub fn read(bytes: &[u8]) -> u64 {
    let (lines, rest) = bytes.as_chunks::<64>();
    let stream_len = lines.len().div_ceil(N_STREAMS).max(1);
    let mut acc = [0; 8];
    let mut streams = lines.chunks(stream_len);
    let streams: [&[[u8; 64]]; N_STREAMS] =
        std::array::from_fn(|_| streams.next().unwrap_or_default());
    for i in 0..stream_len {
        for line in streams.iter().filter_map(|stream| stream.get(i)) {
            for (acc, word) in acc.iter_mut().zip(line.as_chunks::<8>().0) {
                *acc ^= u64::from_le_bytes(*word);
            }
        }
    }
    acc.iter().fold(read_rest(rest), |all, acc| all ^ acc)
}

/// The same for the bytes after the last whole line.
pub fn read_rest(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(0, |all, word| {
        let mut filled = [0; 8];
        filled[..word.len()].copy_from_slice(word);
        all ^ u64::from_le_bytes(filled)
    })
}
