//! The modules of a crate: which file each stands in, which names it has, which paths it mentions.

use std::collections::{BTreeMap, HashMap};

use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

use crate::mentions;

/// The source files of a crate by their path under `src`.
pub type Sources = BTreeMap<String, String>;

/// A crate as its files declare it. The first module is the root.
#[derive(Default)]
pub struct Crate {
    pub files: Vec<String>,
    pub modules: Vec<Module>,
}

/// A module, in a file of its own or inline in that of its parent.
#[derive(Default)]
pub struct Module {
    pub name: String,
    pub file: usize,
    pub parent: Option<usize>,
    /// A name can mean several things: a function and a module, for one.
    pub names: HashMap<String, Vec<Name>>,
    /// What `use path::*` takes everything from.
    pub globs: Vec<Vec<String>>,
    pub mentions: Vec<Mention>,
}

/// What a name in a module stands for.
#[derive(Clone, PartialEq)]
pub enum Name {
    Item,
    Module(usize),
    /// The path of the `use` that brings it in.
    Import(Vec<String>),
}

/// A path in the source of a module.
pub struct Mention {
    pub path: Vec<String>,
    pub line: usize,
    pub kind: Kind,
}

/// How a path is mentioned.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// By a `use` that others can go through.
    ReExport,
    /// By `use path::*`.
    Glob,
    /// By any other `use`, or in code.
    Use,
}

impl Crate {
    /// Follows the `mod` items from the root. What is compiled only for tests is left out.
    pub fn read(sources: &Sources) -> Self {
        let root = ["lib.rs", "main.rs"]
            .into_iter()
            .find(|root| sources.contains_key(*root))
            .expect("src/lib.rs or src/main.rs");
        let mut this = Self::default();
        this.add_file(sources, root, Module::default());
        this
    }

    /// Whether `module` stands somewhere below `ancestor`.
    pub fn is_below(&self, module: usize, ancestor: usize) -> bool {
        let parent = |module: &usize| self.modules[*module].parent;
        std::iter::successors(parent(&module), parent).any(|above| above == ancestor)
    }

    /// The module below the root that `module` belongs to. The root belongs to none.
    pub fn top_level(&self, module: usize) -> Option<&str> {
        let parent = self.modules[module].parent?;
        self.top_level(parent)
            .or(Some(self.modules[module].name.as_str()))
    }

    fn add_file(&mut self, sources: &Sources, file: &str, module: Module) -> usize {
        let source = syn::parse_file(&sources[file]).unwrap_or_else(|e| panic!("{file}: {e}"));
        self.files.push(file.to_owned());
        let module = Module {
            file: self.files.len() - 1,
            ..module
        };
        self.add(sources, &folder_of_children(file), module, &source.items)
    }

    fn add(&mut self, sources: &Sources, folder: &str, module: Module, items: &[Item]) -> usize {
        let this = self.modules.len();
        self.modules.push(module);
        for item in items.iter().filter(|item| !is_for_tests(item)) {
            if let Item::Mod(child) = item {
                let index = self.add_child(sources, folder, this, child);
                self.modules[this].name_is(child.ident.to_string(), Name::Module(index));
                continue;
            }
            if let Some(name) = name_of(item) {
                self.modules[this].name_is(name, Name::Item);
            }
            mentions::collect(item, &mut self.modules[this]);
        }
        this
    }

    fn add_child(
        &mut self,
        sources: &Sources,
        folder: &str,
        parent: usize,
        child: &ItemMod,
    ) -> usize {
        let name = child.ident.to_string();
        let module = Module {
            name: name.clone(),
            file: self.modules[parent].file,
            parent: Some(parent),
            ..Module::default()
        };
        if let Some((_, items)) = &child.content {
            return self.add(sources, &format!("{folder}{name}/"), module, items);
        }
        let file = [
            format!("{folder}{name}.rs"),
            format!("{folder}{name}/mod.rs"),
        ]
        .into_iter()
        .find(|file| sources.contains_key(file))
        .unwrap_or_else(|| panic!("mod {name}: no file of that name in src/{folder}"));
        self.add_file(sources, &file, module)
    }
}

impl Module {
    /// Takes a `use` apart into names and mentions.
    pub fn import(&mut self, item: &ItemUse) {
        if item.leading_colon.is_some() {
            return;
        }
        let kind = match item.vis {
            Visibility::Inherited => Kind::Use,
            _ => Kind::ReExport,
        };
        self.import_tree(&item.tree, Vec::new(), kind);
    }

    fn import_tree(&mut self, tree: &UseTree, mut path: Vec<String>, kind: Kind) {
        match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                self.import_tree(&tree.tree, path, kind);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import_tree(tree, path.clone(), kind);
                }
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.span.start().line;
                let kind = match kind {
                    Kind::ReExport => kind,
                    _ => Kind::Glob,
                };
                self.globs.push(path.clone());
                self.mentions.push(Mention { path, line, kind });
            }
            UseTree::Name(name) => self.import_name(path, &name.ident, None, kind),
            UseTree::Rename(name) => self.import_name(path, &name.ident, Some(&name.rename), kind),
        }
    }

    fn import_name(
        &mut self,
        mut path: Vec<String>,
        ident: &syn::Ident,
        rename: Option<&syn::Ident>,
        kind: Kind,
    ) {
        // `use a::{self}` names `a`.
        if ident != "self" || path.is_empty() {
            path.push(ident.to_string());
        }
        let name = rename.map_or_else(|| path[path.len() - 1].clone(), ToString::to_string);
        self.name_is(name, Name::Import(path.clone()));
        let line = ident.span().start().line;
        self.mentions.push(Mention { path, line, kind });
    }

    fn name_is(&mut self, name: String, meaning: Name) {
        let meanings = self.names.entry(name).or_default();
        if !meanings.contains(&meaning) {
            meanings.push(meaning);
        }
    }
}

/// `a/b.rs` has its children in `a/b/`, `a/mod.rs` in `a/`.
fn folder_of_children(file: &str) -> String {
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let folder = match folder {
        "" => String::new(),
        folder => format!("{folder}/"),
    };
    match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder,
        _ => format!("{folder}{}/", name.trim_end_matches(".rs")),
    }
}

fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// Whether an item is compiled only for tests.
pub fn is_for_tests(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    };
    attributes.iter().any(is_cfg_test)
}

/// `#[cfg(test)]`, or one with other conditions: `#[cfg(all(test, unix))]`.
pub fn is_cfg_test(attribute: &Attribute) -> bool {
    let mut found = false;
    if attribute.path().is_ident("cfg") {
        // Stops at what it does not know, such as `not(test)`: that is not for tests.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("all") {
                return meta.parse_nested_meta(|meta| {
                    found |= meta.path.is_ident("test");
                    Ok(())
                });
            }
            found |= meta.path.is_ident("test");
            Ok(())
        });
    }
    found
}
