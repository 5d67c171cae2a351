"""Builds `target/guest/guest.wasm`: CPython with the runner, snapshotted after its imports.

Runs with the Python of a virtual environment that holds `requirements.txt`. Nothing is done when no
input has changed since the last build.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import tzdata

import extension

GUEST = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("MCPBOX_GUEST_DIR") or GUEST.parent / "target" / "guest").resolve()
PACKAGE = "mcpbox_guest"
# Tools import it by its own name.
LIBRARY = "httpx"


def inputs() -> str:
    """Return a digest of everything that the component is made of."""
    digest = hashlib.sha256(extension.inputs())
    for package in ("componentize-py", "tzdata"):
        digest.update(f"{package} {version(package)}\n".encode())
    sources = [Path(__file__), *(GUEST / "python").rglob("*.py"), *(GUEST / "wit").rglob("*.wit")]
    for path in sorted(sources):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(GUEST).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def stage(folder: Path) -> None:
    """Lay out what the build may see: the runner as a package, and the packages beside it."""
    shutil.rmtree(folder, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    without = shutil.ignore_patterns("__pycache__", "*.pyc", LIBRARY)
    shutil.copytree(GUEST / "python", folder / PACKAGE, ignore=without)
    shutil.copytree(GUEST / "python" / LIBRARY, folder / LIBRARY, ignore=ignored)
    shutil.copytree(Path(tzdata.__file__).parent, folder / "tzdata", ignore=ignored)
    regex, settle = extension.build(TARGET / "native")
    shutil.copytree(regex, folder / "regex")
    shutil.copy(settle, folder / PACKAGE)


def componentize(folder: Path, output: Path) -> None:
    """Run componentize-py, which imports the runner and takes the snapshot."""
    program = Path(sys.executable).parent / "componentize-py"
    world = ["--wit-path", str(GUEST / "wit"), "--world", "tool"]
    paths = ["--python-path", str(folder), "--output", str(output)]
    # An active virtual environment would be shown to the guest.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    command = [str(program), *world, "componentize", f"{PACKAGE}.runner", *paths]
    subprocess.run(command, check=True, env=environment, cwd=folder)


def main() -> int:
    """Build where something has changed."""
    output, stamp = TARGET / "guest.wasm", TARGET / "guest.wasm.inputs"
    digest = inputs()
    if output.is_file() and stamp.is_file() and stamp.read_text() == digest:
        return 0
    TARGET.mkdir(parents=True, exist_ok=True)
    print("building the guest: CPython and the runner, about half a minute", flush=True)
    folder, unfinished = TARGET / "stage", TARGET / "guest.wasm.unfinished"
    try:
        stage(folder)
        componentize(folder, unfinished)
    except subprocess.CalledProcessError as error:
        print(f"{error.cmd[0]} failed with status {error.returncode}", file=sys.stderr)
        return 1
    unfinished.replace(output)
    stamp.write_text(digest)
    shutil.rmtree(folder, ignore_errors=True)
    print(f"built {output}: {output.stat().st_size / 1e6:.1f} MB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
