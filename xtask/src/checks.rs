//! What is checked without running the product.

use std::process::Command;

use crate::Context;
use crate::build::cargo;
use crate::failure::{Failure, Outcome, run, try_out};

pub(crate) fn format(context: &Context) -> Outcome {
    require(context, "fmt", "rustfmt")?;
    run(cargo(context).args(["fmt", "--all", "--check"]), "run `cargo fmt --all`")
}

pub(crate) fn clippy(context: &Context) -> Outcome {
    require(context, "clippy", "clippy")?;
    run(
        cargo(context).args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        "correct what clippy says; where it is wrong: `#[expect(…, reason = \"…\")]`",
    )
}

/// The benchmark is a workspace of its own, which nothing else here builds.
pub(crate) fn benchmark(context: &Context) -> Outcome {
    run(
        cargo(context)
            .args(["clippy", "--manifest-path", "bench/Cargo.toml", "--all-targets"])
            .args(["--", "-D", "warnings"]),
        "the benchmark uses the library as any user does: it must go along with a change",
    )
}

pub(crate) fn documentation(context: &Context) -> Outcome {
    run(
        cargo(context).args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"),
        "correct what rustdoc says, most often a link to something that was renamed",
    )
}

/// Checks that the protocol crate and everything below it does without `std`.
///
/// That it compiles proves little on a machine that has `std`: a dependency
/// may pull it in. So a crate that is itself without `std` uses it and brings
/// a panic handler. There can be one only, and `std` has one: if any crate
/// below links it, the compiler refuses.
///
/// The crate is built by itself in a directory of its own, because a build of
/// the workspace would switch on features that only its neighbours ask for.
pub(crate) fn no_std(context: &Context) -> Outcome {
    let target = context.root.join("target/no-std");
    run(
        cargo(context)
            .args(["build", "--package", "easyhttp-proto", "--target-dir"])
            .arg(&target)
            // Would put the library into another directory.
            .env_remove("CARGO_BUILD_TARGET"),
        "the protocol crate must build by itself: see which feature of a dependency it had \
         only because a neighbour switches it on",
    )?;

    let library = target.join("debug/libeasyhttp_proto.rlib");
    let dependencies = target.join("debug/deps");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    run(
        Command::new(rustc)
            .current_dir(&context.root)
            .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata"])
            .arg("--out-dir")
            .arg(&target)
            .arg("-L")
            .arg(format!("dependency={}", dependencies.display()))
            .arg("--extern")
            .arg(format!("easyhttp_proto={}", library.display()))
            .arg("xtask/support/no_std.rs"),
        "the compiler names the crate that needs `std`; most often a dependency of \
         easyhttp-proto lacks `default-features = false` \
         (`cargo tree -p easyhttp-proto -e normal,features`)",
    )
}

/// The tools are components of the toolchain that a minimal one comes without.
fn require(context: &Context, command: &str, component: &str) -> Outcome {
    try_out(cargo(context).args([command, "--version"])).map_err(|cause| {
        Failure::new(
            format!("`cargo {command}` is missing"),
            cause,
            format!("install it: rustup component add {component}"),
        )
    })
}
