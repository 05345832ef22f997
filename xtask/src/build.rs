//! What is built before the tests run.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::Context;
use crate::failure::{Failure, Outcome, run};

pub(crate) const REMEDY: &str = "correct what the compiler says; if crates could not be downloaded, \
                      see that cargo reaches its registry from here";

/// The same cargo that started this program.
pub(crate) fn cargo_program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Cargo, at the root of the repository.
pub(crate) fn cargo(context: &Context) -> Command {
    let mut cargo = Command::new(cargo_program());
    cargo.current_dir(&context.root);
    cargo
}

/// The program `easyhttp` as it is installed, with the release profile.
pub(crate) fn program(context: &Context) -> Outcome {
    run(cargo(context).args(["build", "--release", "--package", "easyhttp-cli"]), REMEDY)
}

/// Where that is: beside the folder of this program.
pub(crate) fn program_path() -> Result<PathBuf, Failure> {
    let this = env::current_exe().map_err(|error| {
        Failure::new(
            "the folder of the programs that cargo built was not found",
            error.to_string(),
            "start this as `cargo xtask`",
        )
    })?;
    let target = this.ancestors().nth(2).unwrap_or(&this);
    Ok(target.join("release").join(format!("easyhttp{}", env::consts::EXE_SUFFIX)))
}

/// The tests, while there is a network to get crates from.
pub(crate) fn tests(context: &Context) -> Outcome {
    run(cargo(context).args(["test", "--no-run"]).args(test_arguments(context)), REMEDY)
}

/// Which tests: those of the whole workspace, unless somebody names a package.
/// (Cargo ignores `--package` beside `--workspace`.)
pub(crate) fn test_arguments(context: &Context) -> Vec<&str> {
    let given = context.test_arguments.iter().map(String::as_str);
    if given.clone().any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
    {
        given.collect()
    } else {
        std::iter::once("--workspace").chain(given).collect()
    }
}
