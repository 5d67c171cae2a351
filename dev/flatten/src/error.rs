//! What keeps a component from being flattened.

/// Why a component could not be flattened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is no valid component, or uses a proposal beyond the ones that are known here.
    #[error("the input is not a valid component of the supported WebAssembly proposals")]
    Input(#[from] wasmparser::Error),
    /// What was written is not valid, which no input should lead to.
    #[error("the flattened component is not valid; this is a fault of the tool")]
    Output(#[source] wasmparser::Error),
    /// The component or a module uses a construct that flattening does not cover.
    #[error("flattening does not support {0}")]
    Unsupported(&'static str),
    /// The merged modules define another number of memories than one.
    #[error("the core modules must define exactly one memory, and they define {0}")]
    Memories(usize),
    /// A passive segment, or an instruction that uses one: its contents are not known beforehand.
    #[error("a segment of data or elements is passive; flattening needs all of them active")]
    PassiveSegment,
    /// An active segment does not fit, so that the original could not be instantiated either.
    #[error("a segment of {0} reaches beyond the initial size")]
    OutOfBounds(&'static str),
    /// A start function would run earlier or later than it does in the original, by what it sees.
    #[error("the start function of core instance {0} would see another order of instantiation")]
    StartOrder(u32),
    /// An index leads nowhere.
    #[error("there is no {what} with index {index}")]
    Missing {
        /// What the index should have led to.
        what: &'static str,
        /// The index, in the space that the input or the tool numbers.
        index: u32,
    },
    /// A name that an instance should export is not there.
    #[error("core instance {instance} exports no `{name}` of the kind that is asked for")]
    NoExport {
        /// The index of the core instance in the input.
        instance: u32,
        /// The name asked for.
        name: String,
    },
    /// More items than an index can number.
    #[error("there are more than 2³² {0}")]
    TooMany(&'static str),
}

/// The item of an index space.
pub(crate) fn at<'i, T>(items: &'i [T], index: u32, what: &'static str) -> Result<&'i T, Error> {
    let place = usize::try_from(index).ok();
    place.and_then(|place| items.get(place)).ok_or(Error::Missing { what, index })
}

/// Appends to an index space; returns the index.
pub(crate) fn add<T>(items: &mut Vec<T>, item: T, what: &'static str) -> Result<u32, Error> {
    let index = u32::try_from(items.len()).map_err(|_full| Error::TooMany(what))?;
    items.push(item);
    Ok(index)
}
