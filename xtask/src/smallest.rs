//! The smallest device: that the library does without what can be left out, and that
//! it is as small then as we say.

use std::fs;
use std::path::Path;

use crate::Context;
use crate::build::{REMEDY, cargo};
use crate::failure::{Failure, Outcome, run};

/// How large the program may be, in bytes.
const MOST: u64 = 1_400_000;

/// The library without its features; its example for this is a whole device.
const WITHOUT_FEATURES: [&str; 3] = ["--package", "easyhttp", "--no-default-features"];

pub(crate) fn check(context: &Context) -> Outcome {
    run(
        cargo(context).arg("clippy").args(WITHOUT_FEATURES).args([
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]),
        "what belongs to a feature must not be used without it",
    )?;
    // A directory of its own, which is known however cargo is set up.
    let target = context.root.join("target/smallest");
    run(
        cargo(context)
            .args(["build", "--profile", "small", "--example", "smallest", "--target-dir"])
            .arg(&target)
            .args(WITHOUT_FEATURES)
            .env_remove("CARGO_BUILD_TARGET"),
        REMEDY,
    )?;
    is_small(
        &target.join("small/examples").join(format!("smallest{}", std::env::consts::EXE_SUFFIX)),
    )
}

fn is_small(program: &Path) -> Outcome {
    let failed = |cause, remedy| Failure::new("the smallest device is not small", cause, remedy);
    let size = fs::metadata(program).map_err(|error| {
        failed(format!("{}: {error}", program.display()), "see where cargo put it")
    })?;
    match size.len() {
        size if size <= MOST => Ok(()),
        size => Err(failed(
            format!("it has {size} bytes, and may have {MOST}"),
            "see what came in by `cargo bloat --profile small --no-default-features -p easyhttp \
             --example smallest`, with CARGO_PROFILE_SMALL_STRIP=false",
        )),
    }
}
