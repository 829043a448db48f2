//! Circles among the files of a crate.

use std::collections::VecDeque;

use crate::imports::Import;
use crate::modules::Crate;

/// The shortest circle of each knot: files that all import from each other, directly or not.
pub fn circles(krate: &Crate, imports: &[Import]) -> Vec<Vec<Import>> {
    let graph = Graph { krate, imports };
    let files = 0..krate.files.len();
    let leads = |from: usize, to: usize| graph.path(from, to).is_some();
    let mut circles = Vec::new();
    let mut seen = Vec::new();
    for file in files.clone() {
        if seen.contains(&file) || !leads(file, file) {
            continue;
        }
        let others = files.clone();
        let knot: Vec<_> = others
            .filter(|&o| leads(file, o) && leads(o, file))
            .collect();
        let round = knot.iter().filter_map(|&file| graph.path(file, file));
        circles.extend(round.min_by_key(Vec::len));
        seen.extend(knot);
    }
    circles
}

/// One line for each import of a circle.
pub fn show(krate: &Crate, circle: &[Import]) -> String {
    let lines = circle.iter().map(|import| {
        let file = |module: usize| &krate.files[krate.modules[module].file];
        let (from, to) = (file(import.from), file(import.to));
        format!(
            "    {from}:{} imports {} from {to}\n",
            import.line, import.path
        )
    });
    lines.collect()
}

struct Graph<'a> {
    krate: &'a Crate,
    imports: &'a [Import],
}

impl Graph<'_> {
    fn file(&self, module: usize) -> usize {
        self.krate.modules[module].file
    }

    /// A shortest way of at least one import from one file to another one.
    fn path(&self, start: usize, goal: usize) -> Option<Vec<Import>> {
        let mut came_by: Vec<Option<&Import>> = vec![None; self.krate.files.len()];
        let mut queue = VecDeque::from([start]);
        while let Some(file) = queue.pop_front() {
            for import in self.imports.iter().filter(|i| self.file(i.from) == file) {
                let next = self.file(import.to);
                if came_by[next].is_none() {
                    came_by[next] = Some(import);
                    queue.push_back(next);
                }
            }
        }
        let mut path = Vec::new();
        let mut at = goal;
        while path.is_empty() || at != start {
            let import = came_by[at]?;
            path.push(import.clone());
            at = self.file(import.from);
        }
        path.reverse();
        Some(path)
    }
}
