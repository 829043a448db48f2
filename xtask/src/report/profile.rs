//! What `benchmark --profile --format json` prints: a receipt, and the time of each operation.

use host::receipt::Receipt;
use serde::{Deserialize, Serialize};

/// A receipt with the profile of a run of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfiledReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// The profile. No receipt has one: nobody could check it.
    pub profile: ProfileRecord,
}

/// The times of a run by operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileRecord {
    /// The prefill.
    pub prefill: StepsRecord,
    /// All decode steps together; null if there are none.
    pub decode: Option<StepsRecord>,
}

/// All steps of one kind together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepsRecord {
    /// Number of steps.
    pub steps: u64,
    /// Time of the steps.
    pub wall_ns: u64,
    /// Time outside of kernels.
    pub rest_ns: u64,
    /// The operations that ran.
    pub ops: Vec<OpRecord>,
}

/// One operation in all steps of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpRecord {
    /// Its name.
    pub op: String,
    /// Kernel calls on all threads.
    pub calls: u64,
    /// Multiply-accumulates on all threads.
    pub macs: u64,
    /// Bytes that were read; null for a prefill.
    pub bytes: Option<u64>,
    /// Time on the calling thread.
    pub ns: u64,
}

impl ProfileRecord {
    /// Checks that each part has steps, and that its times add up.
    ///
    /// # Errors
    /// What does not.
    pub fn check(&self) -> Result<(), String> {
        let decode = self.decode.iter().map(|steps| ("decode", steps));
        for (kind, steps) in [("prefill", &self.prefill)].into_iter().chain(decode) {
            let ops = steps.ops.iter().map(|op| u128::from(op.ns));
            let sum = ops.sum::<u128>() + u128::from(steps.rest_ns);
            if steps.steps == 0 {
                return Err(format!("profile.{kind}.steps: found 0, allowed at least 1"));
            }
            if sum != u128::from(steps.wall_ns) {
                let wall = steps.wall_ns;
                return Err(format!(
                    "profile.{kind}: found {wall} in wall_ns, the operations and rest_ns add up to {sum}"
                ));
            }
        }
        Ok(())
    }
}
