//! The floors that `ARCHITECTURE.md` puts the modules of each crate on.
//!
//! Below a heading with the crate's name in backticks stands a table. Each row is a floor, the topmost
//! first; its first cell names the modules that stand there, in backticks.

use std::collections::HashMap;

use crate::imports::Import;
use crate::modules::Crate;

/// The modules of each floor, the topmost floor first.
pub type Floors = Vec<Vec<String>>;

/// The table below the heading that names the crate. Empty without one.
pub fn read(document: &str, crate_name: &str) -> Floors {
    let name = [crate_name];
    let is_heading = |line: &&str| line.starts_with('#');
    let below = document
        .lines()
        .skip_while(|line| !(is_heading(line) && in_backticks(line) == name))
        .skip(1)
        .take_while(|line| !is_heading(line));
    let first_cells = below.filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let floors =
        first_cells.map(|cell| in_backticks(cell).into_iter().map(str::to_owned).collect());
    floors.filter(|floor: &Vec<_>| !floor.is_empty()).collect()
}

fn in_backticks(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// What the floors and the modules of the crate say differently, a line each.
pub fn violations(krate: &Crate, imports: &[Import], floors: &Floors) -> Vec<String> {
    let mut found = Vec::new();
    let mut floor_of = HashMap::new();
    for (number, floor) in floors.iter().enumerate() {
        for name in floor {
            if floor_of.insert(name.as_str(), number).is_some() {
                found.push(format!("`{name}` stands on two floors"));
            }
        }
    }

    let modules = krate.modules.iter().filter(|m| m.parent == Some(0));
    let modules: Vec<_> = modules.map(|module| module.name.as_str()).collect();
    let unnamed = modules.iter().filter(|name| !floor_of.contains_key(*name));
    found.extend(unnamed.map(|name| format!("`{name}` stands on no floor")));
    let unknown = floors.iter().flatten();
    let unknown = unknown.filter(|name| !modules.contains(&name.as_str()));
    found.extend(unknown.map(|name| format!("`{name}` stands on a floor and is no module")));

    for import in imports {
        let (Some(from), Some(to)) = (krate.top_level(import.from), krate.top_level(import.to))
        else {
            continue;
        };
        let (Some(from_floor), Some(to_floor)) = (floor_of.get(from), floor_of.get(to)) else {
            continue;
        };
        if from != to && from_floor >= to_floor {
            let direction = if from_floor > to_floor {
                "upward"
            } else {
                "sideways"
            };
            let file = &krate.files[krate.modules[import.from].file];
            let (line, path) = (import.line, &import.path);
            found.push(format!(
                "`{from}` imports {direction} from `{to}`: {path} in {file}:{line}"
            ));
        }
    }
    found
}
