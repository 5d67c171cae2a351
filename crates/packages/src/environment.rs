//! What the sandbox is to a package: which Python, on which system, and what it has already.

use std::sync::LazyLock;

use pep440_rs::Version;

use crate::PackageName;

/// The version of the guest's CPython.
const PYTHON: [u64; 3] = [3, 14, 0];

/// Packages that the sandbox has, under the names that they are imported by.
const PROVIDED: [&str; 3] = ["httpx", "regex", "tzdata"];

/// Packages whose compiled parts are what they are for: without them they cannot be imported. A
/// request for one is refused at once; of others, trying tells.
const COMPILED: [&str; 48] = [
    "aiohttp",
    "argon2-cffi-bindings",
    "bcrypt",
    "blis",
    "brotli",
    "cffi",
    "cryptography",
    "cymem",
    "duckdb",
    "gevent",
    "greenlet",
    "grpcio",
    "h5py",
    "jiter",
    "kiwisolver",
    "llvmlite",
    "lxml",
    "lz4",
    "matplotlib",
    "murmurhash",
    "numba",
    "numpy",
    "onnxruntime",
    "opencv-python",
    "orjson",
    "pandas",
    "pillow",
    "polars",
    "polars-runtime-32",
    "psutil",
    "psycopg-binary",
    "psycopg2-binary",
    "pyarrow",
    "pydantic-core",
    "pymupdf",
    "pynacl",
    "pyzmq",
    "rpds-py",
    "safetensors",
    "scikit-learn",
    "scipy",
    "shapely",
    "tensorflow",
    "tiktoken",
    "tokenizers",
    "torch",
    "uvloop",
    "zstandard",
];

static PYTHON_VERSION: LazyLock<Version> = LazyLock::new(|| Version::new(PYTHON));

/// The minor version of the guest's Python 3.
pub(crate) const PYTHON_MINOR: u64 = PYTHON[1];

/// The guest's Python as a version.
pub(crate) fn python() -> &'static Version {
    &PYTHON_VERSION
}

/// Whether the sandbox has this package already, so that requirements of it are met.
pub fn is_provided(name: &PackageName) -> bool {
    PROVIDED.contains(&name.as_str())
}

/// Whether nothing of this package works without its compiled parts.
pub(crate) fn is_compiled(name: &PackageName) -> bool {
    COMPILED.contains(&name.as_str())
}

/// The value of a variable of environment markers in the sandbox; nothing where there is no such variable.
pub(crate) fn variable(name: &str) -> Option<String> {
    let [major, minor, patch] = PYTHON;
    Some(match name {
        "python_version" => format!("{major}.{minor}"),
        "python_full_version" | "implementation_version" => format!("{major}.{minor}.{patch}"),
        "os_name" | "os.name" => "posix".to_owned(),
        "sys_platform" | "sys.platform" | "platform_system" => "wasi".to_owned(),
        "platform_machine" | "platform.machine" => "wasm32".to_owned(),
        "platform_python_implementation"
        | "platform.python_implementation"
        | "python_implementation" => "CPython".to_owned(),
        "implementation_name" => "cpython".to_owned(),
        "platform_release" | "platform_version" | "platform.version" => "0.0.0".to_owned(),
        _ => return None,
    })
}
