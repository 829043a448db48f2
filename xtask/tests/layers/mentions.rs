//! Finds the paths that an item mentions: in imports, types, expressions, patterns and bounds, and in
//! the tokens of macros as well as can be told without expanding them.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItemFn, Item, ItemUse, Macro, Meta, Path, Visibility};

use crate::modules::{Kind, Mention, Module, is_cfg_test, is_for_tests};

/// Adds what `item` mentions to its module.
pub fn collect(item: &Item, module: &mut Module) {
    Collector { module }.visit_item(item);
}

struct Collector<'a> {
    module: &'a mut Module,
}

impl Collector<'_> {
    fn mention(&mut self, path: Vec<String>, line: usize) {
        let kind = Kind::Use;
        self.module.mentions.push(Mention { path, line, kind });
    }

    /// Every `a::b::c` among tokens. `rooted` leaves out those that begin with a plain name.
    fn scan(&mut self, tokens: TokenStream, rooted: bool) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            if let TokenTree::Group(group) = &tokens[at] {
                self.scan(group.stream(), rooted);
            }
            let path = path_at(&tokens, at);
            let Some(first) = path.first() else {
                at += 1;
                continue;
            };
            let is_rooted = ["crate", "self", "super"].contains(&first.as_str());
            if is_name(&tokens, at) && (!rooted || is_rooted) {
                let line = tokens[at].span().start().line;
                self.mention(path.clone(), line);
            }
            at += 3 * path.len() - 2;
        }
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !function.attrs.iter().any(is_cfg_test) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.module.import(item);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter();
            let segments: Vec<_> = segments.map(|s| s.ident.to_string()).collect();
            self.mention(segments, path.segments[0].ident.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        self.scan(called.tokens.clone(), false);
    }

    /// `#[arg(value_parser = crate::values::count)]`. Plain names are options there.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.scan(list.tokens.clone(), true);
        }
    }

    /// `pub(in crate::kernels)` says who may import, and imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// The names of the path that begins at this token.
fn path_at(tokens: &[TokenTree], mut at: usize) -> Vec<String> {
    let mut path = Vec::new();
    while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
        path.push(ident.to_string());
        if !(is_punct(tokens, at + 1, ':') && is_punct(tokens, at + 2, ':')) {
            break;
        }
        at += 3;
    }
    path
}

/// Whether the identifier at this token can be a name in scope: not a field or method (`.name`), not
/// the label of a value (`name: value`), not the rest of another path and not a macro's own variable.
fn is_name(tokens: &[TokenTree], at: usize) -> bool {
    let before = |punct| at > 0 && is_punct(tokens, at - 1, punct);
    let is_crate = matches!(&tokens[at], TokenTree::Ident(ident) if ident == "crate");
    let is_label = is_punct(tokens, at + 1, ':') && !is_punct(tokens, at + 2, ':');
    !before('.') && !before(':') && !is_label && (is_crate || !before('$'))
}

fn is_punct(tokens: &[TokenTree], at: usize, char: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}
