//! openh264's build leaves its assembly out without a word when `nasm` is missing, and is three
//! times slower then. This fails in such a build.
#![cfg(target_arch = "x86_64")]

// Links the library's objects.
use openh264_sys2 as _;

unsafe extern "C" {
    /// openh264's own detection of what the processor has. Compiled without assembly it is a stub
    /// that returns 0.
    fn WelsCPUFeatureDetect(processors: *mut i32) -> u32;
}

/// `WELS_CPU_SSE2` in openh264's `cpu_core.h`; every x86-64 processor has it.
const SSE2: u32 = 0x0000_0008;

#[test]
fn openh264_uses_the_processors_vector_instructions() {
    let mut processors = 0;
    // SAFETY: the function has this C signature and writes one integer through the pointer.
    let features = unsafe { WelsCPUFeatureDetect(&raw mut processors) };
    assert_ne!(
        features & SSE2,
        0,
        "openh264 was built without assembly: install nasm, rebuild openh264-sys2"
    );
}
