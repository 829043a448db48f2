//! Puts the page together: `index.html` with everything that it names inside of it.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use host::digest::Digest;

use super::{
    bindings,
    data::{bytes, hash, text},
    page::Page,
};

/// Where the page's files are.
const FOLDER: &str = "host/web/page";

/// Stands in `index.html` for the security policy.
const POLICY: &str = "CONTENT-SECURITY-POLICY";

/// How a script of the folder is named: before and after its name.
const SCRIPT: (&str, &str) = ("<script src=\"", "\"></script>");

/// How the style is named.
const STYLE: &str = "<link rel=\"stylesheet\" href=\"style.css\">";

/// The script that needs the data.
const CORE: &str = "core.js";

/// Puts the page together.
pub(super) fn page(root: &Path) -> Result<Page> {
    let read = |name: &str| -> Result<String> {
        let path = root.join(FOLDER).join(name);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        // A browser reads every end of a line as this one, and hashes what it has read.
        Ok(text.replace("\r\n", "\n"))
    };
    let (data, bindings, model_bytes) = data(root, &read)?;
    let style = read("style.css")?;
    let mut hashes = vec![hash(&bindings)];
    let html = read("index.html")?;
    let html = once(&html, STYLE, &format!("<style>{}</style>", inline(&style)?))?;

    let mut parts = html.split(SCRIPT.0);
    let mut page = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(SCRIPT.1).context("a script has no end")?;
        if name == CORE {
            page += &data;
            page += &format!(
                "<script id=\"data-bindings\">{}</script>\n",
                inline(&bindings)?
            );
        }
        let script = read(name)?;
        hashes.push(hash(&script));
        page += &format!("<script>{}</script>{rest}", inline(&script)?);
    }
    ensure!(hashes.len() > 1, "{FOLDER}/index.html names no scripts");
    let policy = policy(&hashes, &hash(&style));
    Ok(Page {
        html: once(&page, POLICY, &policy)?,
        model_bytes,
    })
}

/// The elements with data, the bindings, and the bytes that the example model takes.
fn data(root: &Path, read: &dyn Fn(&str) -> Result<String>) -> Result<(String, String, usize)> {
    let path = root.join("models/tiny.gguf");
    let tiny = fs::read(&path).with_context(|| path.display().to_string())?;
    let bindings = bindings::build(root)?;
    let model = bytes("tiny", &tiny);
    let data = [
        text("version", env!("CARGO_PKG_VERSION")),
        bytes("verifier", &bindings.module),
        text("worker", inline(&read("worker.js")?)?),
        text("example", inline(&read("example.json")?)?),
        text("tiny-sha256", &Digest::of(&tiny).to_string()),
    ];
    let all = data.concat() + &model;
    Ok((all, bindings.script, model.len()))
}

/// What the page may do: run its own scripts and nothing else. It can reach no network.
fn policy(scripts: &[String], style: &str) -> String {
    let scripts = scripts.join(" ");
    format!(
        "default-src 'none'; script-src {scripts} 'wasm-unsafe-eval'; style-src {style}; \
         worker-src blob:; form-action 'none'; base-uri 'none'"
    )
}

/// Puts `new` in the one place of `old`.
fn once(html: &str, old: &str, new: &str) -> Result<String> {
    let n = html.matches(old).count();
    ensure!(
        n == 1,
        "{FOLDER}/index.html: found {old} {n} times, allowed once"
    );
    Ok(html.replacen(old, new, 1))
}

/// A text that can stand inside of an element.
fn inline(text: &str) -> Result<&str> {
    let lower = text.to_lowercase();
    for end in ["</script", "</style", "<!--"] {
        ensure!(
            !lower.contains(end),
            "{end} cannot stand in an inline script or style"
        );
    }
    Ok(text)
}
