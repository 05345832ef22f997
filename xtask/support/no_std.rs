//! Compiles only if `easyhttp_proto` and everything below it is without `std`.
//! The step "protocol without std" of `cargo xtask test` says why.
#![no_std]

extern crate easyhttp_proto;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
