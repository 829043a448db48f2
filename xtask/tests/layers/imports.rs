//! Which file imports from which: every mentioned path, followed to the file that defines it.

use std::collections::BTreeMap;

use crate::modules::{Crate, Kind, Mention, Name};

/// One file imports from another one.
#[derive(Clone, Debug)]
pub struct Import {
    /// The module that mentions the path.
    pub from: usize,
    /// The module that defines what the path names.
    pub to: usize,
    pub line: usize,
    pub path: String,
}

/// Where a path leads.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    Module(usize),
    /// Something that this module defines, or something inside of that.
    Item(usize),
    /// Something of another crate.
    Elsewhere,
}

/// How many imports a path is followed through. Only a path that leads back to itself is longer.
const STEPS: usize = 32;

impl Crate {
    /// All imports between two files; of several between the same two, the first one.
    pub fn imports(&self) -> Vec<Import> {
        let mut imports = BTreeMap::new();
        for (from, module) in self.modules.iter().enumerate() {
            for mention in &module.mentions {
                let Some(to) = self.imported_by(from, mention) else {
                    continue;
                };
                let key = (module.file, self.modules[to].file);
                imports.entry(key).or_insert_with(|| Import {
                    from,
                    to,
                    line: mention.line,
                    path: mention.path.join("::"),
                });
            }
        }
        imports.into_values().collect()
    }

    /// The module that `from` imports from by this mention, if that is another file's.
    ///
    /// To name a module is no import: that is what is then named in it. What `mod.rs` re-exports from its
    /// own folder is the folder's front door, and no import either: whoever goes through it imports
    /// from the file behind it.
    fn imported_by(&self, from: usize, mention: &Mention) -> Option<usize> {
        let to = match (self.resolve(from, &mention.path, STEPS)?, mention.kind) {
            (Target::Item(to), _) => to,
            (Target::Module(to), Kind::ReExport | Kind::Glob) => to,
            (Target::Module(_), Kind::Use) | (Target::Elsewhere, _) => return None,
        };
        let is_front_door = mention.kind == Kind::ReExport && self.is_below(to, from);
        let is_own = self.modules[from].file == self.modules[to].file;
        (!is_front_door && !is_own).then_some(to)
    }

    /// Where a path that stands in the module `from` leads. Nothing if the crate has no such name.
    fn resolve(&self, from: usize, path: &[String], steps: usize) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(from),
            "super" => Target::Module(self.modules[from].parent?),
            name => self.lookup(from, name, rest.is_empty(), steps)?,
        };
        while let (Target::Module(module), Some((name, behind))) = (at, rest.split_first()) {
            at = match name.as_str() {
                "super" => Target::Module(self.modules[module].parent?),
                // What a macro has made is not among the names; it stands where it is looked for.
                name => self
                    .lookup(module, name, behind.is_empty(), steps)
                    .unwrap_or(Target::Item(module)),
            };
            rest = behind;
        }
        Some(at)
    }

    /// What a name means in a module. At the end of a path it is an item rather than a module.
    fn lookup(&self, module: usize, name: &str, is_last: bool, steps: usize) -> Option<Target> {
        let meanings = self.modules[module].names.get(name).into_iter().flatten();
        let meaning = meanings.min_by_key(|meaning| match (meaning, is_last) {
            (Name::Item, true) | (Name::Module(_), false) => 0,
            (Name::Import(_), _) => 1,
            (Name::Module(_), true) | (Name::Item, false) => 2,
        });
        match meaning {
            Some(Name::Item) => Some(Target::Item(module)),
            Some(Name::Module(child)) => Some(Target::Module(*child)),
            // What leads nowhere here is of another crate.
            Some(Name::Import(path)) => self
                .resolve(module, path, steps)
                .or(Some(Target::Elsewhere)),
            None => self.lookup_in_globs(module, name, is_last, steps),
        }
    }

    fn lookup_in_globs(
        &self,
        module: usize,
        name: &str,
        is_last: bool,
        steps: usize,
    ) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        let scope = &self.modules[module];
        let is_ours = |glob: &&Vec<String>| {
            let first = glob[0].as_str();
            ["crate", "self", "super"].contains(&first) || scope.names.contains_key(first)
        };
        let mut globs = scope.globs.iter().filter(is_ours);
        globs.find_map(|glob| match self.resolve(module, glob, steps)? {
            Target::Module(from) if from != module => self.lookup(from, name, is_last, steps),
            _ => None,
        })
    }
}
