//! `completions` and `man`: what shells and manuals take from the definition of the arguments.

use std::{fs, path::Path};

use clap::CommandFactory;
use clap_mangen::Man;

use crate::{
    args::{CompletionsArgs, ManArgs},
    exit::{Exit, Failure},
    output::print,
};

/// Prints the script by which a shell completes the commands of `A`.
///
/// # Errors
/// Standard output cannot be written to.
pub fn completions<A: CommandFactory>(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut command = A::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Prints the manual page of `A`, or writes one for it and each of its commands.
///
/// # Errors
/// Standard output, or the folder, cannot be written to.
pub fn man<A: CommandFactory>(args: &ManArgs) -> Result<Exit, Failure> {
    let command = A::command();
    match &args.output {
        None => print(&page(command)?)?,
        Some(folder) => write_pages(command, folder)?,
    }
    Ok(Exit::Done)
}

fn page(command: clap::Command) -> Result<String, Failure> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn write_pages(command: clap::Command, folder: &Path) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::io(folder, &e);
    fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(command, folder).map_err(failed)?;
    print(&format!(
        "{}: one page for each command\n",
        folder.display()
    ))
}
