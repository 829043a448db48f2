//! The verification of one receipt, step by step, in the order of the command `verify-receipt`.

use std::time::{Duration, SystemTime};

use engine_native::{
    ModelDescription,
    gguf::{Gguf, GgufError, caps},
};
use host::{
    attest::PublicKey,
    digest::Digest,
    files::other_encoding,
    input::tokenizer::ends_in,
    receipt::{MAX_RECEIPT_BYTES, ModelRecord, Receipt},
    replay::Passes,
    task::{Challenge, Task},
    verify::{
        Checked, Conclusion, Explanation, LEFT_OUT, MOST_UNASKED_BYTES, ModelFacts, Policy,
        ReplayFailure, Report, missing_by_size, missing_model,
    },
};
use serde_json::json;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{
    error::{bad_input, named},
    passes::{ReplayPasses, missing},
};

/// Bytes of the header that are read at first.
const FIRST_BYTES: u64 = 1 << 16;

/// A receipt that is being verified.
#[wasm_bindgen]
pub struct Verification {
    checked: Checked,
    place: String,
    now: SystemTime,
    policy: Policy,
    policy_sha256: Option<Digest>,
    /// The model file that was chosen.
    model: Option<ModelFile>,
    /// Whether it is the receipt's.
    has_model: bool,
}

/// A model file, as far as it is known.
struct ModelFile {
    name: String,
    len: u64,
    description: Option<ModelDescription>,
    /// Ids that end a text, ascending.
    ends: Vec<u32>,
}

#[wasm_bindgen]
impl Verification {
    /// Reads the content of a receipt's file, whose name is `place`, and checks its own rules. `now` is
    /// in milliseconds since 1970. A policy is TOML, a challenge hex digits.
    ///
    /// # Errors
    /// The bytes are not a receipt, or the policy or the challenge is none.
    #[wasm_bindgen(constructor)]
    pub fn new(
        receipt: &[u8],
        place: String,
        now: f64,
        policy: Option<Vec<u8>>,
        challenge: Option<String>,
    ) -> Result<Verification, JsValue> {
        let policy_sha256 = policy.as_deref().map(Digest::of);
        let policy = policy.as_deref().map(Policy::read).transpose();
        let policy = policy
            .map_err(|e| bad_input("policy", e))?
            .unwrap_or_default();
        let challenge = challenge.map(|text| text.parse::<Challenge>()).transpose();
        let challenge = challenge.map_err(|e| bad_input("challenge", e))?;
        let not_a_receipt =
            |why: &dyn std::fmt::Display| named("NotAReceipt", format_args!("{place}: {why}"));
        if let Some(encoding) = other_encoding(receipt) {
            return Err(not_a_receipt(&encoding));
        }
        let mut checked = Checked::read(receipt).map_err(|e| not_a_receipt(&e))?;
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now.max(0.0) as u64);
        checked.with_challenge(challenge.as_ref());
        checked.with_clock(now);
        checked.with_tolerance(policy.tolerance(None));
        Ok(Self {
            checked,
            place,
            now,
            policy,
            policy_sha256,
            model: None,
            has_model: false,
        })
    }

    /// The most bytes of a receipt's file.
    #[wasm_bindgen(js_name = maxReceiptBytes)]
    pub fn max_receipt_bytes() -> f64 {
        MAX_RECEIPT_BYTES as f64
    }

    /// Checks a bundle with a signer's public key, whose file is called `key_name`.
    ///
    /// # Errors
    /// The key is none.
    #[wasm_bindgen(js_name = withBundle)]
    pub fn with_bundle(&mut self, bundle: &[u8], key: &str, key_name: &str) -> Result<(), JsValue> {
        let key = PublicKey::parse(key).map_err(|e| bad_input(key_name, e))?;
        self.checked.with_bundle(bundle, &key);
        Ok(())
    }

    /// Checks a challenger's statement with the challenger's public key, whose file is called `key_name`.
    ///
    /// # Errors
    /// The key is none.
    #[wasm_bindgen(js_name = withChallenger)]
    pub fn with_challenger(
        &mut self,
        statement: &[u8],
        key: &str,
        key_name: &str,
    ) -> Result<(), JsValue> {
        let key = PublicKey::parse(key).map_err(|e| bad_input(key_name, e))?;
        self.checked.with_challenger(statement, &key);
        Ok(())
    }

    /// SHA-256 of the receipt's model; undefined if no rule can be checked, so that nothing is replayed.
    #[wasm_bindgen(getter, js_name = modelSha256)]
    pub fn model_sha256(&self) -> Option<String> {
        let receipt = self.checked.receipt.as_ref();
        receipt.map(|receipt| receipt.model.sha256.to_string())
    }

    /// Bytes of the receipt's model.
    #[wasm_bindgen(getter, js_name = modelBytes)]
    pub fn model_bytes(&self) -> Option<f64> {
        let receipt = self.checked.receipt.as_ref();
        receipt.map(|receipt| receipt.model.file_bytes as f64)
    }

    /// Whether the receipt's settings describe a task.
    #[wasm_bindgen(getter, js_name = isTask)]
    pub fn is_task(&self) -> bool {
        self.task().is_some()
    }

    /// Layers of the model whose header has been read.
    #[wasm_bindgen(getter, js_name = nLayers)]
    pub fn n_layers(&self) -> u32 {
        let model = self.model.as_ref();
        let description = model.and_then(|model| model.description.as_ref());
        description.map_or(0, |description| description.shape.n_layers as u32)
    }

    /// Names the model file that was chosen, of `len` bytes. Returns whether it is worth reading: a
    /// large one that has another size than the receipt's is not.
    #[wasm_bindgen(js_name = withModelFile)]
    pub fn with_model_file(&mut self, name: String, len: f64) -> bool {
        let len = len as u64;
        if let Some(receipt) = &self.checked.receipt
            && receipt.model.file_bytes != len
            && len > MOST_UNASKED_BYTES
        {
            let why = missing_by_size(&receipt.model, &name, len);
            self.checked.without_replay(why);
            return false;
        }
        self.model = Some(ModelFile {
            name,
            len,
            description: None,
            ends: Vec::new(),
        });
        true
    }

    /// Reads the header of the model file from its first bytes. Returns how many of them it takes; 0 if
    /// these were enough.
    ///
    /// # Errors
    /// The file is not a model.
    #[wasm_bindgen(js_name = readHeader)]
    pub fn read_header(&mut self, start: &[u8]) -> Result<f64, JsValue> {
        let Some(model) = &mut self.model else {
            return Ok(0.0);
        };
        let most = model.len.min(caps::HEADER_BYTES);
        let so_far = start.len() as u64;
        if so_far == 0 && most > 0 {
            return Ok(most.min(FIRST_BYTES) as f64);
        }
        match Gguf::parse_header(start, model.len) {
            Err(GgufError::Truncated { .. }) if so_far < most => {
                return Ok(most.min(so_far * 4) as f64);
            }
            Err(error) => return Err(bad_input(&model.name, error)),
            Ok(gguf) => {
                let description = ModelDescription::from_gguf(&gguf);
                model.description = Some(description.map_err(|e| bad_input(&model.name, e))?);
                model.ends = ends_in(&gguf.metadata, start);
            }
        }
        Ok(0.0)
    }

    /// Compares the receipt with the model file, whose header has been read and whose digest is
    /// `sha256`. Returns whether it is the receipt's.
    #[wasm_bindgen(js_name = withModelDigest)]
    pub fn with_model_digest(&mut self, sha256: &[u8]) -> bool {
        let Ok(sha256) = sha256.try_into().map(Digest) else {
            return false;
        };
        if let (Some(receipt), Some(model)) = (&self.checked.receipt, &self.model)
            && let Some(description) = &model.description
        {
            let (layout, file) = (receipt.model.layout(), (sha256, model.len));
            let record = ModelRecord::of(description, model.name.clone(), file, layout);
            let facts = ModelFacts::new(model.name.clone(), description, record);
            self.has_model = receipt.model.sha256 == sha256;
            self.checked.with_model(&facts);
        }
        self.has_model
    }

    /// Notes that no replay is wanted.
    #[wasm_bindgen(js_name = leaveOutReplay)]
    pub fn leave_out_replay(&mut self) {
        if self.checked.receipt.is_some() {
            self.checked.without_replay(LEFT_OUT);
        }
    }

    /// Notes that the receipt's model is not here.
    #[wasm_bindgen(js_name = withoutModel)]
    pub fn without_model(&mut self) {
        let Some(receipt) = &self.checked.receipt else {
            return;
        };
        let other = self.model.as_ref().map(|model| model.name.as_str());
        let why = missing_model(&receipt.model, other, None);
        self.checked.without_replay(why);
    }

    /// Whether there is a task to replay. Where the receipt's settings describe none, that is what the
    /// replay has found.
    #[wasm_bindgen(js_name = hasTask)]
    pub fn has_task(&mut self) -> bool {
        let has_task = self.task().is_some();
        if !has_task {
            let why = "the run's settings do not describe a task";
            let refuted = ReplayFailure::Refuted(why.into());
            self.checked.with_replay(Err(refuted));
        }
        has_task
    }

    /// The passes of a replay of the receipt on the model whose header has been read; undefined if there is no
    /// task.
    pub fn passes(&self) -> Option<ReplayPasses> {
        let (receipt, model) = (self.checked.receipt.as_ref()?, self.model.as_ref()?);
        let tolerance = self.policy.tolerance(None);
        Passes::of_receipt(receipt, model.ends.clone(), tolerance).map(ReplayPasses)
    }

    /// Takes a replay, all of whose passes have ended.
    ///
    /// # Errors
    /// A pass is missing.
    #[wasm_bindgen(js_name = withReplay)]
    pub fn with_replay(&mut self, passes: ReplayPasses) -> Result<(), JsValue> {
        let replay = passes.0.found().ok_or_else(missing)?;
        self.checked.with_replay(replay);
        Ok(())
    }

    /// The verdict: an exit code, what `verify-receipt` prints, what it prints with `--format json`, and the
    /// explanation.
    ///
    /// # Errors
    /// The verdict is no JSON.
    pub fn finish(mut self) -> Result<String, JsValue> {
        self.checked.with_policy(&self.policy);
        let verdict = self.checked.verdict();
        let exit = match verdict.conclusion {
            Conclusion::Accepted => 0,
            Conclusion::Rejected => 1,
            Conclusion::Unverifiable => 3,
        };
        let text = verdict.to_text(&self.place);
        let explain = Explanation::of(&verdict, self.policy_sha256);
        let report = Report::new(verdict, self.policy_sha256, None, self.now);
        let json = serde_json::to_string_pretty(&report);
        let json = json.map_err(|e| named("Error", e))? + "\n";
        Ok(json!({ "exit": exit, "text": text, "json": json, "explain": explain }).to_string())
    }
}

impl Verification {
    fn task(&self) -> Option<Task> {
        self.checked.receipt.as_ref().and_then(Receipt::task)
    }
}
