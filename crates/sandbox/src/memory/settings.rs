//! How much is kept for the next call, and how often a reset is checked.

/// How much memory may grow, how much of it is kept between calls, and how often a reset is checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The most that any memory may grow to, in bytes.
    pub(crate) memory_max: usize,
    /// Bytes of changed pages of the image up to which they are copied back and stay; above that
    /// they are given back to the system, and the next instance takes a page fault for each.
    pub(crate) image_kept: usize,
    /// The same for the part above the image, where pages are zeroed.
    pub(crate) grown_kept: usize,
    /// The same for a stack.
    pub(crate) stack_kept: usize,
    /// Slots, and stacks, kept for the next instances.
    pub(crate) idle_max: usize,
    /// Bytes of their own pages that all idle slots, or all idle stacks, hold together.
    pub(crate) idle_bytes: usize,
    /// Every so many resets the whole memory is compared with what it has to be; 0 for never.
    pub(crate) verify_every: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory_max: crate::limits::Limits::MEMORY_MAX,
            image_kept: 8 << 20,
            grown_kept: 2 << 20,
            stack_kept: 128 << 10,
            idle_max: 64,
            idle_bytes: 32 << 20,
            // Comparing takes milliseconds, tens of them for the first time in a slot. So rarely, it
            // costs about a thousandth of a millisecond per call, and a kernel that breaks its promise
            // is still found out within seconds under load.
            verify_every: 16_384,
        }
    }
}
