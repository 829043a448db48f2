//! A change of one constant or of one order is a change of the checksum: the comparison can fail.

use std::{fs, path::Path};

use engine_native::KvType;
use host::task::seeded_prompt;

use crate::{
    python::{self, folder},
    runs::layout,
    support::{data, has_numpy, task},
};

/// A fixture, a file of the second reading, what stands there, and what replaces it.
const CHANGES: &[(&str, &str, &str, &str)] = &[
    (
        "D2-f16-embf16.gguf",
        "spec.py",
        "a[..., :n] + a[..., n : 2 * n]",
        "a[..., : 2 * n : 2] + a[..., 1 : 2 * n : 2]",
    ),
    (
        "D2-f16-embf16.gguf",
        "spec.py",
        "range(0, x.shape[-1], 16)",
        "range(x.shape[-1] - 16, -1, -16)",
    ),
    ("G-i2s-embq4_k.gguf", "spec.py", "F32(1e-5)", "F32(1e-1)"),
    ("D2-f16-embf16.gguf", "spec.py", "0.693359375", "0.6934"),
    (
        "D2-f16-embf16.gguf",
        "spec.py",
        "1.6666665459e-1",
        "1.6667e-1",
    ),
    (
        "D2-f16-embf16.gguf",
        "spec.py",
        "np.rint(x * s)",
        "np.trunc(x * s)",
    ),
    (
        "D2-f16-embf16.gguf",
        "spec.py",
        "(self.scale * a)",
        "self.scale * a",
    ),
    ("D2-f16-embf16.gguf", "spec.py", "+ eps)", ")"),
    (
        "D2-f16-embf16.gguf",
        "spec.py",
        "x.astype(np.float16).astype(F32)",
        "(x.view(np.uint32) & 0xFFFFE000).view(F32)",
    ),
    (
        "J-ptq1_0-outpq2_0.gguf",
        "spec.py",
        "np.ceil(pair",
        "np.floor(pair",
    ),
    (
        "J-ptq1_0-outpq2_0.gguf",
        "spec.py",
        "0.1 * msun.log",
        "0.1001 * msun.log",
    ),
    ("D2-f16-embf16.gguf", "msun.py", "0xBFC55555", "0xBFC55565"),
];

#[test]
fn every_sabotaged_reading_disagrees() {
    if !has_numpy() {
        return;
    }
    for (fixture, file, from, to) in CHANGES {
        let changed = tempfile::tempdir().unwrap();
        for name in ["spec.py", "msun.py"] {
            fs::copy(folder().join(name), changed.path().join(name)).unwrap();
        }
        let text = fs::read_to_string(changed.path().join(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(changed.path().join(file), text.replace(from, to)).unwrap();
        let task = task(&seeded_prompt(3, None, 12, 320), 4, KvType::F16);
        let run = |folder: &Path| {
            let model = data("oracle", fixture);
            python::run(folder, &model, layout(fixture).as_str(), &task)
                .unwrap()
                .checksum
        };
        assert_ne!(
            run(&folder()),
            run(changed.path()),
            "{file}: {from} became {to}"
        );
    }
}
